//! Clients of a broker: what each connection is called, listens to and leaves behind.

use crate::plan::{Plan, TargetId};
use crate::random::{Domain, Stream};
use crate::scenario::model::target::mqtt::Mqtt;
use crate::template::compile::{Compiler, Names, Site};
use crate::template::context::{Context, Facts, Scratch};
use crate::template::program::{Expr, ExprId, Fact, SCOPES, Scope};
use crate::template::value::Type;
use crate::tree::Mark;

use super::event::slot;

/// The clients of a target, compiled.
#[derive(Clone, Debug)]
pub(crate) struct ClientPlan {
    id: Option<ExprId>,
    subscribe: Vec<ExprId>,
    will: Option<(ExprId, ExprId)>,
    stream: Stream,
}

/// One client of a broker.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Client {
    /// What it is called, where the scenario says so.
    pub id: Option<String>,
    /// Filters of the topics that it listens to.
    pub subscribe: Vec<String>,
    /// Topic and message of what the broker says when it is lost.
    pub will: Option<(String, String)>,
}

impl ClientPlan {
    /// Compiles what a target says of its clients.
    pub(crate) fn compile(compiler: &mut Compiler<'_>, mqtt: &Mqtt, target: &str, root: Stream) -> Self {
        let mut names = Names::default();
        let index = compiler.typed(Expr::Fact(Fact::Index), Type::Int);
        names.bind("index", index.clone());
        let text = |compiler: &mut Compiler<'_>, names: &Names, field: &str, text: &str| {
            let site = Site::new(format!("targets.{target}.mqtt.{field}"), field, Mark::default());
            compiler.text(text, &site, names)
        };
        let id = mqtt.client_id.as_ref().map(|id| {
            let typed = text(compiler, &names, "client_id", id);
            slot(compiler, typed, Scope::User)
        });
        let mut client = Names::default();
        client.bind("index", index);
        if let Some(id) = &id {
            client.bind("id", id.clone());
        }
        names.group("client", client);
        let subscribe = (mqtt.subscribe.iter().enumerate())
            .map(|(place, filter)| text(compiler, &names, &format!("subscribe[{place}]"), filter).id)
            .collect();
        let will = mqtt.will.as_ref().map(|will| {
            let topic = text(compiler, &names, "will.topic", &will.topic).id;
            (topic, text(compiler, &names, "will.payload", &will.payload).id)
        });
        let stream = root.domain(Domain::Pool).named("clients").named(target);
        Self { id: id.map(|id| id.id), subscribe, will, stream }
    }
}

impl Plan {
    /// A client of a target, by its number from 0; none where the target has no clients.
    pub fn client(&self, target: TargetId, number: u64) -> Option<Client> {
        let plan = self.targets.get(usize::from(target.0))?.clients.as_ref()?;
        let mut scratch = Scratch::default();
        scratch.begin(&self.program);
        let facts =
            Facts { streams: [plan.stream.child(number); SCOPES], indexes: [number + 1; SCOPES], ..Facts::default() };
        let mut context = Context::new(&self.program, &mut scratch, None, facts);
        let mut text = |id: ExprId| {
            let mut out = Vec::new();
            let value = context.evaluate(id);
            context.write_plain(value, &mut out);
            String::from_utf8_lossy(&out).into_owned()
        };
        Some(Client {
            id: plan.id.map(&mut text),
            subscribe: plan.subscribe.iter().map(|id| text(*id)).collect(),
            will: plan.will.map(|(topic, payload)| (text(topic), text(payload))),
        })
    }
}
