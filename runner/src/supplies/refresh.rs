//! Lists that targets give, asked for again while the run goes on.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use shared::plan::Plan;
use shared::scenario::ValidScenario;
use shared::scenario::model::pool::Fetch;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::fetch::{FetchError, access_of, ask};
use super::snapshot::{Fetched, Snapshot};
use crate::engine::access::Access;
use crate::engine::handle::RunHandle;
use crate::engine::prepare::{PrepareOptions, Prepared};

/// Lets a run ask again for the pools that say so, until it is over. A target that does not answer leaves a pool as it
/// is, and the result says so.
///
/// # Errors
///
/// A target cannot be asked.
pub fn attach(prepared: Prepared, options: &PrepareOptions, snapshot: &Snapshot) -> Result<Prepared, FetchError> {
    let refresher = Refresher::new(&prepared, options, snapshot)?;
    if refresher.pools.is_empty() {
        return Ok(prepared);
    }
    Ok(prepared.with_companion(move |run| {
        tokio::spawn(refresher.keep_fresh(run));
    }))
}

/// Asks again, and tells the run of what is new.
struct Refresher {
    plan: Arc<Plan>,
    scenario: ValidScenario,
    pools: Vec<Refreshed>,
}

struct Refreshed {
    name: String,
    fetch: Fetch,
    access: Access,
    every: Duration,
    /// Hash of the items that the run has.
    hash: String,
}

impl Refresher {
    fn new(prepared: &Prepared, options: &PrepareOptions, snapshot: &Snapshot) -> Result<Self, FetchError> {
        let scenario = prepared.scenario();
        let mut pools = Vec::new();
        for (name, pool) in &scenario.pools {
            let Some((fetch, every)) = pool.fetch.as_ref().and_then(|fetch| Some((fetch, fetch.refresh?))) else {
                continue;
            };
            pools.push(Refreshed {
                name: name.clone(),
                fetch: fetch.clone(),
                access: access_of(name, fetch, scenario, options)?,
                every: Duration::from_nanos(every.0),
                hash: snapshot.pools.get(name).map(|fetched| fetched.hash.clone()).unwrap_or_default(),
            });
        }
        Ok(Self { plan: Arc::clone(&prepared.plan), scenario: scenario.clone(), pools })
    }

    async fn keep_fresh(self, run: RunHandle) {
        let Self { plan, scenario, pools } = self;
        let (plans, mut refilled) = mpsc::channel(1);
        // Ends with this.
        let mut asking = JoinSet::new();
        for pool in pools {
            asking.spawn(pool.keep_fresh(plans.clone()));
        }
        let telling = async {
            let mut plan = plan;
            // One after the other, so that no pool takes back what another has brought.
            while let Some(news) = refilled.recv().await {
                let told = match news {
                    Err(trouble) => run.warn(trouble).await,
                    Ok((pool, fetched)) => {
                        let record = fetched.record(&pool);
                        match plan.refilled(&scenario, &IndexMap::from([(pool, fetched.items)])) {
                            Ok(new) => {
                                plan = Arc::new(new);
                                run.refill(Arc::clone(&plan), record).await
                            }
                            Err(problems) => {
                                run.warn(problems.first().map(ToString::to_string).unwrap_or_default()).await
                            }
                        }
                    }
                };
                if told.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = telling => {}
            _over = run.wait() => {}
        }
    }
}

/// What a pool has to tell: other items, or why there are none.
type News = Result<(String, Fetched), String>;

impl Refreshed {
    async fn keep_fresh(mut self, plans: mpsc::Sender<News>) {
        let mut turns = interval_at(Instant::now() + self.every, self.every);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            turns.tick().await;
            let news = match ask(&self.name, &self.fetch, &self.access).await {
                Ok(fetched) if fetched.hash == self.hash => continue,
                Ok(fetched) => {
                    self.hash.clone_from(&fetched.hash);
                    Ok((self.name.clone(), fetched))
                }
                Err(error) => Err(format!("not refreshed: {error}")),
            };
            if plans.send(news).await.is_err() {
                return;
            }
        }
    }
}
