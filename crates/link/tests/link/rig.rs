//! A link to a pretend Home Assistant inside the process. With the clock paused, time moves only
//! when nothing else can: no test waits for real time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use housekey_home::id::EntityId;
use housekey_home::snapshot::Snapshot;
use housekey_home::time::UtcMicros;
use housekey_link::{Dial, Dialled, House, Link, LinkConfig, Pipe, Secret, Status};
use housekey_sim::{Dump, Sim, World};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(crate) const TOKEN: &str = "llat-0123456789abcdef";
/// Far more than anything here needs; reached only by a test that fails.
const PATIENCE: Duration = Duration::from_secs(3_600);

pub(crate) struct Rig {
    pub(crate) sim: Sim,
    pub(crate) link: Link,
    pub(crate) dials: Arc<AtomicU32>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

struct Inside {
    sim: Sim,
    dials: Arc<AtomicU32>,
}

impl Dial for Inside {
    fn dial<'a>(&'a self, _: &'a str, _: u16) -> Dialled<'a> {
        self.dials.fetch_add(1, Ordering::SeqCst);
        let pipe: Box<dyn Pipe> = Box::new(self.sim.pipe());
        Box::pin(async move { Ok(pipe) })
    }
}

pub(crate) fn world() -> World {
    World::new(Dump::demo().parts().unwrap(), TOKEN)
}

pub(crate) fn id(text: &str) -> EntityId {
    EntityId::parse(text).unwrap()
}

pub(crate) fn at(seconds: i64) -> UtcMicros {
    UtcMicros((1_795_500_000 + seconds) * 1_000_000)
}

impl Rig {
    pub(crate) fn new(world: World) -> Self {
        let sim = Sim::new(world);
        Self::over(sim)
    }

    pub(crate) fn over(sim: Sim) -> Self {
        let dials = Arc::new(AtomicU32::new(0));
        let dial = Inside {
            sim: sim.clone(),
            dials: dials.clone(),
        };
        let shutdown = CancellationToken::new();
        let config = LinkConfig::new("http://sim:8123", Secret::new(TOKEN), 7);
        let (link, task) = Link::start_over(config, Arc::new(dial), shutdown.clone());
        Self {
            sim,
            link,
            dials,
            shutdown,
            task,
        }
    }

    /// A rig whose house is loaded.
    pub(crate) async fn live() -> Self {
        let mut rig = Self::new(world());
        rig.until(|house| matches!(house, House::Live { .. })).await;
        rig
    }

    pub(crate) fn dial_count(&self) -> u32 {
        self.dials.load(Ordering::SeqCst)
    }

    pub(crate) async fn until(&mut self, wanted: impl Fn(&House) -> bool) -> House {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let house = self.link.house();
            if wanted(&house) {
                return house;
            }
            let changed = tokio::time::timeout_at(deadline, self.link.changed()).await;
            assert_eq!(
                changed,
                Ok(true),
                "the house is {house:?}, {:?}",
                self.link.status()
            );
        }
    }

    /// Waits until the live house equals the house of the sim.
    pub(crate) async fn until_equal(&mut self) -> Snapshot {
        let sim = self.sim.clone();
        let house = self
            .until(|house| {
                let truth = sim.with(|world| world.truth());
                matches!(house, House::Live { snapshot, .. } if equal(snapshot, &truth))
            })
            .await;
        house.snapshot().unwrap().clone()
    }

    pub(crate) async fn until_status(&self, wanted: impl Fn(&Status) -> bool) -> Status {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.link.status();
            if wanted(&status) {
                return status;
            }
            assert!(Instant::now() < deadline, "the status is {status:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

pub(crate) fn equal(a: &Snapshot, b: &Snapshot) -> bool {
    let states = |s: &Snapshot| s.entities().map(|e| e.state().clone()).collect::<Vec<_>>();
    let (r, s) = (a.registry(), b.registry());
    states(a) == states(b)
        && r.entities().eq(s.entities())
        && r.devices().eq(s.devices())
        && r.areas().eq(s.areas())
        && r.floors().eq(s.floors())
        && r.labels().eq(s.labels())
        && a.config() == b.config()
        && a.services() == b.services()
}
