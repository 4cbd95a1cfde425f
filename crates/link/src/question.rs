//! `Query`, what can be asked of Home Assistant beside the house itself. Closed and read-only:
//! nothing takes a raw command.

use std::collections::BTreeMap;
use std::time::Duration;

use housekey_home::catalogue::HouseConfig;
use housekey_home::follow::Follower;
use housekey_home::id::EntityId;
use housekey_home::registry::{AreaEntry, DeviceEntry, EntityEntry, FloorEntry, LabelEntry};
use housekey_home::session::{Body, Outcome, RequestId, Session};
use housekey_home::snapshot::Snapshot;
use housekey_home::state::EntityState;
use housekey_home::wire::{Command, EntityIds};
use tokio::sync::oneshot;

use crate::handle::CallError;
use crate::limits::{ENTRIES_PER_REQUEST_MAX, QUESTIONS_MAX};

/// A question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Query {
    /// All that the replica is made of, as Home Assistant says it at one moment, beside the
    /// replica's own word for the same moment.
    Everything,
}

/// The answer to a [`Query`].
#[derive(Debug)]
pub enum Answer {
    /// To [`Query::Everything`].
    Everything(Box<Everything>),
}

/// The house as Home Assistant tells it when asked, and as the replica has it.
#[derive(Debug)]
pub struct Everything {
    /// The replica, at the moment of the states below. Registry changes whose fetch was under way
    /// at that moment are missing in it.
    pub snapshot: Snapshot,
    /// The answer to `get_states`.
    pub states: Vec<EntityState>,
    /// The entity ids of the registry, in order.
    pub entity_ids: Vec<EntityId>,
    /// The entries of those that the replica knows.
    pub entries: Vec<(EntityId, Option<EntityEntry>)>,
    /// Devices.
    pub devices: Vec<DeviceEntry>,
    /// Areas.
    pub areas: Vec<AreaEntry>,
    /// Floors.
    pub floors: Vec<FloorEntry>,
    /// Labels.
    pub labels: Vec<LabelEntry>,
    /// Configuration.
    pub config: HouseConfig,
    /// What is exposed to the assistant; `None` when Home Assistant does not tell.
    pub exposed: Option<Vec<EntityId>>,
}

/// A question on its way to the driver.
pub(crate) struct Ask {
    pub(crate) query: Query,
    pub(crate) time: Duration,
    pub(crate) reply: oneshot::Sender<Result<Answer, CallError>>,
}

/// Questions that wait for answers of one connection.
#[derive(Default)]
pub(crate) struct Questions {
    open: Vec<Question>,
}

struct Question {
    reply: oneshot::Sender<Result<Answer, CallError>>,
    /// Parts that are to come, in the order in which they were asked for.
    waiting: BTreeMap<RequestId, Part>,
    bodies: Vec<(Part, Body)>,
    snapshot: Option<Snapshot>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    States,
    EntityIds,
    Entries,
    Devices,
    Areas,
    Floors,
    Labels,
    Config,
    Exposed,
}

impl Questions {
    /// Sends a question, or answers at once that it cannot be sent.
    pub(crate) fn begin(
        &mut self,
        ask: Ask,
        session: &mut Session,
        follower: &Follower,
        now: Duration,
    ) {
        self.open.retain(|question| !question.reply.is_closed());
        let Some(snapshot) = follower.snapshot() else {
            return answer(ask.reply, Err(CallError::NotConnected));
        };
        if self.open.len() >= QUESTIONS_MAX {
            return answer(ask.reply, Err(CallError::Busy));
        }
        let (commands, parts): (Vec<Command>, Vec<Part>) = match ask.query {
            Query::Everything => everything(&snapshot, follower.facts().is_admin),
        }
        .into_iter()
        .unzip();
        let ids = session.request_batch(&commands, now + ask.time);
        self.open.push(Question {
            reply: ask.reply,
            waiting: ids.into_iter().zip(parts).collect(),
            bodies: Vec::new(),
            snapshot: None,
        });
    }

    /// Takes in the end of a request that is not the follower's.
    pub(crate) fn resolve(&mut self, id: RequestId, outcome: Outcome, follower: &Follower) {
        let asked = |question: &Question| question.waiting.contains_key(&id);
        let Some(index) = self.open.iter().position(asked) else {
            return;
        };
        let mut question = self.open.swap_remove(index);
        let part = question.waiting.remove(&id);
        match (outcome, part) {
            (Outcome::Answer(body), Some(part)) => {
                if part == Part::States {
                    question.snapshot = follower.snapshot();
                }
                question.bodies.push((part, body));
            }
            // Without the rights of an administrator there is a house all the same.
            (Outcome::Refused(_), Some(Part::Exposed)) => {}
            (Outcome::Refused(refused), _) => {
                let (code, message) = (refused.code, refused.message);
                return answer(question.reply, Err(CallError::Refused { code, message }));
            }
            (Outcome::Deadline, _) => return answer(question.reply, Err(CallError::Deadline)),
            (Outcome::Lost, _) => return answer(question.reply, Err(CallError::Lost)),
            (Outcome::Answer(_), None) => {}
        }
        if question.waiting.is_empty() {
            let result = assemble(&question.bodies, question.snapshot);
            answer(question.reply, result);
        } else {
            self.open.push(question);
        }
    }
}

/// Answers someone who may have gone away.
pub(crate) fn answer(
    reply: oneshot::Sender<Result<Answer, CallError>>,
    result: Result<Answer, CallError>,
) {
    let _ = reply.send(result);
}

fn everything(snapshot: &Snapshot, is_admin: bool) -> Vec<(Command, Part)> {
    let known = snapshot.registry().entities();
    let known: Vec<EntityId> = known.map(|entry| entry.entity_id.clone()).collect();
    let mut commands = vec![
        (Command::GetStates, Part::States),
        (Command::EntityList, Part::EntityIds),
        (Command::DeviceList, Part::Devices),
        (Command::AreaList, Part::Areas),
        (Command::FloorList, Part::Floors),
        (Command::LabelList, Part::Labels),
        (Command::GetConfig, Part::Config),
    ];
    let chunks = known.chunks(ENTRIES_PER_REQUEST_MAX);
    let chunks = chunks.filter_map(|ids| EntityIds::new(ids.to_vec()));
    commands
        .extend(chunks.map(|entity_ids| (Command::EntityEntries { entity_ids }, Part::Entries)));
    if is_admin {
        commands.push((Command::ExposeList, Part::Exposed));
    }
    commands
}

fn assemble(bodies: &[(Part, Body)], snapshot: Option<Snapshot>) -> Result<Answer, CallError> {
    let unreadable =
        |error: housekey_home::wire::WireError| CallError::Unreadable(error.to_string());
    let missing = || CallError::Unreadable("a part is missing".to_owned());
    let body = |part: Part| {
        bodies
            .iter()
            .find(|(of, _)| *of == part)
            .map(|(_, body)| body)
    };
    let payload = |part: Part| body(part).map(Body::payload).ok_or_else(missing);
    let mut entries = Vec::new();
    for (_, body) in bodies.iter().filter(|(part, _)| *part == Part::Entries) {
        entries.extend(body.payload().entity_entries().map_err(unreadable)?);
    }
    let exposed = body(Part::Exposed).map(|body| body.payload().exposed());
    let exposed = exposed.transpose().map_err(unreadable)?;
    Ok(Answer::Everything(Box::new(Everything {
        snapshot: snapshot.ok_or_else(missing)?,
        states: payload(Part::States)?.states().map_err(unreadable)?,
        entity_ids: payload(Part::EntityIds)?.entity_ids().map_err(unreadable)?,
        entries,
        devices: payload(Part::Devices)?.devices().map_err(unreadable)?,
        areas: payload(Part::Areas)?.areas().map_err(unreadable)?,
        floors: payload(Part::Floors)?.floors().map_err(unreadable)?,
        labels: payload(Part::Labels)?.labels().map_err(unreadable)?,
        config: payload(Part::Config)?.config().map_err(unreadable)?,
        exposed: exposed.map(|ids| ids.into_iter().collect()),
    })))
}
