//! `Gateway`, the path itself: admit on the head of a request, handle its body.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use housekey_assist::release::{self, Profile, Release};
use housekey_home::time::UtcMicros;
use housekey_link::{House, Link};
use housekey_policy::View;
use housekey_store::audit::{self, Client, FailedAuthentication};
use housekey_store::{Presented, Principal, Store, TokenId, TokenRecord, TokenStatus};
use tokio::time::Instant;

use crate::access::Access;
use crate::admin::{AdminReply, AdminRequest, Desk, Ends};
use crate::admission::Admission;
use crate::counters::{Counters, Usage};
use crate::health::Health;
use crate::lifecycle::Endings;
use crate::limiter::Limiter;
use crate::limits;
use crate::offers::{self, Address};
use crate::reads::{self, Done};
use crate::record;
use crate::reply::{Answer, Fault, FaultKind, Invalid, Reply};
use crate::request::{Credential, Origin, Request};

/// The clock and the dice of the program; everything else takes what they give as parameters.
#[derive(Clone)]
pub struct Surroundings {
    /// What time it is.
    pub now: Arc<dyn Fn() -> UtcMicros + Send + Sync>,
    /// 32 bytes that nobody can guess.
    pub random: Arc<dyn Fn() -> [u8; 32] + Send + Sync>,
}

/// How the gateway behaves.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// How long reads are served from the last snapshot while Home Assistant is away (Q1).
    pub stale_reads: Duration,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            stale_reads: limits::STALE_READS_DEFAULT,
        }
    }
}

/// The one path; clones share it.
#[derive(Clone)]
pub struct Gateway(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Arc<Store>,
    pub(crate) link: Link,
    pub(crate) surroundings: Surroundings,
    pub(crate) endings: Endings,
    config: GatewayConfig,
    limiter: Mutex<Limiter>,
    pub(crate) counters: Counters,
    started: Instant,
}

impl Gateway {
    /// Joins store and link.
    #[must_use]
    pub fn new(
        store: Arc<Store>,
        link: Link,
        surroundings: Surroundings,
        config: GatewayConfig,
    ) -> Self {
        Self(Arc::new(Inner {
            store,
            link,
            surroundings,
            config,
            endings: Endings::default(),
            limiter: Mutex::default(),
            counters: Counters::default(),
            started: Instant::now(),
        }))
    }

    /// Judges a request by its head alone, before its body is read: a place in the audit, the
    /// credential, the rate (D1). What is refused here is on record already.
    ///
    /// # Errors
    /// [`Reply::Unauthorized`], [`Reply::Limited`] or a [`Reply::Fault`]; never an answer.
    pub async fn admit(&self, credential: Credential, origin: Origin) -> Result<Admission, Reply> {
        let inner = &self.0;
        let slot = inner
            .store
            .audit()
            .reserve(Instant::now() + limits::AUDIT_WAIT_MAX)
            .await
            .map_err(|error| {
                logged(
                    &origin,
                    Fault::new(FaultKind::AuditUnavailable, error.to_string()),
                )
            })?;
        let now = (inner.surroundings.now)();
        let Some(token) = self.authenticate(credential.clone(), now) else {
            return Err(self.unauthorized(&origin, now));
        };
        let ended = inner.endings.of(&token.id);
        // A revocation, a suspension or a new secret that came between is seen here or cancels the
        // signal; there is no third way.
        let Some(token) = self.authenticate(credential, now) else {
            if inner.store.tokens().get(&token.id).is_none() {
                inner.endings.end(&token.id);
            }
            return Err(self.unauthorized(&origin, now));
        };
        token.touch(now);
        let elapsed_us = i64::try_from(inner.started.elapsed().as_micros()).unwrap_or(i64::MAX);
        let verdict = inner.limiter().admit(&token.id, token.rate, elapsed_us);
        let mut admission = Admission {
            gateway: self.clone(),
            slot: Some(slot),
            token,
            origin,
            admitted_at: now,
            allowance: None,
            stale_s: inner.stale_s(),
            api: None,
            ended,
        };
        match verdict {
            Ok(allowance) => {
                admission.allowance = allowance;
                Ok(admission)
            }
            Err(too_many) => {
                let record = record::rate_limited(&admission);
                admission.write(record);
                Err(Reply::Limited {
                    retry_after_s: too_many.retry_after_s,
                })
            }
        }
    }

    /// Does what an admitted request asks, and writes its one record.
    pub async fn handle(&self, mut admission: Admission, request: Request) -> Reply {
        let house = self.0.link.house();
        let Done { reply, truth } = if admission.ended.is_cancelled() {
            // The token ended while the body came in: nothing of it starts any more (G5).
            Reply::Unauthorized.into()
        } else {
            self.answer(&admission, &house, &request)
                .unwrap_or_else(|fault| Reply::Fault(fault).into())
        };
        if let Reply::Fault(fault) = &reply {
            tracing::warn!(request_id = %admission.origin.request_id, cause = %fault.cause, "fault");
        }
        let record = record::of(&admission, &request, &reply, truth);
        match admission.finish(record).await {
            Ok(()) => reply,
            Err(error) => {
                let fault = Fault::new(FaultKind::AuditUnavailable, error.to_string());
                logged(&admission.origin, fault)
            }
        }
    }

    fn answer(
        &self,
        admission: &Admission,
        house: &House,
        request: &Request,
    ) -> Result<Done, Fault> {
        let (token, face) = (&admission.token, admission.origin.face);
        let profile = profile(house);
        let address = Address::of(face, admission.api, token.scope.pass_through, profile);
        let access = |view: &View| Access::of(view, token);
        let reply = match request {
            Request::Protocol { .. } => Reply::Answer(Answer::Done),
            Request::UnknownMethod { method } => Reply::Invalid(Invalid::UnknownMethod {
                method: method.clone(),
            }),
            Request::ListTools => Reply::Answer(Answer::Tools {
                tools: address.tools(profile),
                profile,
            }),
            Request::CallTool { name, arguments } => {
                let view = self.view(admission, house)?;
                return Ok(reads::tool(
                    &view,
                    address,
                    name,
                    arguments,
                    admission.admitted_at,
                ));
            }
            Request::ListPrompts => Reply::Answer(Answer::Prompts(address.prompts(profile))),
            Request::GetPrompt { name, device } => {
                let view = self.view(admission, house)?;
                let requester = device.as_deref().map(offers::requester);
                offers::prompt(&view, address, name, requester.as_ref(), || access(&view))
            }
            Request::ListResources => match address.resources(profile) {
                Ok(resources) => Reply::Answer(Answer::Resources(resources)),
                Err(error) => offers::no_resource(&error, "resources/list", profile),
            },
            Request::ReadResource { uri } => {
                let view = self.view(admission, house)?;
                offers::resource(&view, address, uri, || access(&view))
            }
            Request::Access => {
                let view = self.view(admission, house)?;
                Reply::Answer(Answer::Access(access(&view)))
            }
        };
        Ok(reply.into())
    }

    /// The home as the token sees it, unless what is known of it is too old.
    fn view(&self, admission: &Admission, house: &House) -> Result<View, Fault> {
        let stale = house.stale_for(Instant::now());
        let is_too_old = stale.is_some_and(|age| age > self.0.config.stale_reads);
        match house.snapshot().filter(|_| !is_too_old) {
            Some(snapshot) => Ok(View::new(snapshot.clone(), admission.token.scope.clone())),
            None => Err(away(house)),
        }
    }

    /// The release of Home Assistant that is connected; the newest known while none is.
    #[must_use]
    pub fn release(&self) -> Release {
        let house = self.0.link.house();
        house
            .snapshot()
            .and_then(|snapshot| Release::parse(&snapshot.config().version))
            .unwrap_or(release::newest().since)
    }

    /// 128 bits that nobody can guess, to name what belongs to one token.
    #[must_use]
    pub fn random_id(&self) -> u128 {
        let random = (self.0.surroundings.random)();
        let half = random.first_chunk().copied().unwrap_or_default();
        u128::from_be_bytes(half)
    }

    /// What an owner asks; the caller has proved who it is.
    pub async fn admin(
        &self,
        principal: Principal,
        request_id: String,
        request: AdminRequest,
    ) -> AdminReply {
        let inner = &self.0;
        let desk = Desk {
            store: &inner.store,
            home: inner.link.house().snapshot().cloned(),
            principal,
            request_id,
            now: (inner.surroundings.now)(),
            random: &*inner.surroundings.random,
        };
        let reply = desk.perform(request).await;
        self.follow(&reply);
        reply
    }

    /// Ends what must not go on after an owner's act.
    fn follow(&self, reply: &AdminReply) {
        match reply.ends() {
            Some(Ends::Token(token)) => self.forget(token),
            Some(Ends::Streams(token)) => self.0.endings.end(token),
            None => {}
        }
    }

    /// Ends everything that an ended token still has: its streams, its window, its counters.
    pub(crate) fn forget(&self, token: &TokenId) {
        self.0.endings.end(token);
        self.0.limiter().forget(token);
        self.0.counters.forget(token);
    }

    /// How a token was used since the program started.
    #[must_use]
    pub fn usage(&self, token: &TokenId) -> Usage {
        self.0.counters.of(token)
    }

    /// Whether all is well.
    #[must_use]
    pub fn health(&self) -> Health {
        let audit_is_writable = self.0.store.audit().health() == audit::Health::Good;
        Health::of(&self.0.link, audit_is_writable, self.0.config.stale_reads)
    }

    fn unauthorized(&self, origin: &Origin, now: UtcMicros) -> Reply {
        self.0
            .store
            .audit()
            .failed_authentication(FailedAuthentication {
                request_id: origin.request_id.clone(),
                at: now,
                client: origin.address.map(Client::Ip),
                face: record::path(origin.face).into(),
                method: "POST".into(),
                resource: record::path(origin.face).to_owned(),
            });
        Reply::Unauthorized
    }

    fn authenticate(&self, credential: Credential, now: UtcMicros) -> Option<Arc<TokenRecord>> {
        let presented: Presented = match credential {
            Credential::None => return None,
            Credential::Token(presented) => presented,
        };
        let token = self.0.store.tokens().find(&presented)?;
        if token.is_expired(now) {
            self.expire(&token, now);
            return None;
        }
        match token.status {
            TokenStatus::Active => Some(token),
            TokenStatus::Suspended | TokenStatus::Expired | TokenStatus::Revoked => None,
        }
    }
}

impl Inner {
    fn limiter(&self) -> std::sync::MutexGuard<'_, Limiter> {
        // Windows stay true even if a thread died while it counted.
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stale_s(&self) -> Option<u64> {
        self.link
            .house()
            .stale_for(Instant::now())
            .map(|age| age.as_secs())
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gateway")
    }
}

/// How the connected release answers; the newest known while none is connected.
pub(crate) fn profile(house: &House) -> &'static Profile {
    house.snapshot().map_or_else(release::newest, |snapshot| {
        Profile::of(&snapshot.config().version)
    })
}

fn away(house: &House) -> Fault {
    let cause = match house {
        House::Absent { why } => why.to_string(),
        House::Live { .. } | House::Stale { .. } => "the last snapshot is too old".to_owned(),
    };
    Fault::new(FaultKind::HomeAway, cause)
}

fn logged(origin: &Origin, fault: Fault) -> Reply {
    tracing::error!(request_id = %origin.request_id, cause = %fault.cause, "nothing is answered");
    Reply::Fault(fault)
}
