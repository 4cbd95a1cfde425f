//! Changes of a token's grants.

use housekey_home::snapshot::Snapshot;
use housekey_policy::tree::{Anchor, Color, Tree};
use housekey_store::token::TokenEdit;

use super::acts::{Act, Done, Undone};
use super::grants::Target;
use super::said::Said;
use super::{AdminReply, Desk, Grants};
use crate::anchors::{self, Move};
use crate::limits;

/// What a token is to open from here on; what is not named stays.
#[derive(Clone, Debug, Default)]
pub struct GrantEdit {
    /// Set.
    pub set: Grants,
    /// Taken away, be it a grant or a denial: what is wider decides again.
    pub clear: Vec<String>,
}

/// An edit that was read.
struct Steps {
    clear: Vec<Target>,
    set: Vec<(&'static str, Target, Color)>,
}

impl GrantEdit {
    fn read(&self) -> Result<Steps, AdminReply> {
        let clear = self.clear.iter().map(|item| Target::read("clear", item));
        let steps = Steps {
            clear: clear.collect::<Result<_, _>>()?,
            set: self.set.targets()?,
        };
        let count = steps.clear.len() + steps.set.len();
        if count == 0 {
            return Err(AdminReply::invalid("grants", "there is nothing to change"));
        }
        if count > limits::GRANTS_MAX {
            let max = limits::GRANTS_MAX;
            let problem = format!("{count} are too many; allowed are {max}");
            return Err(AdminReply::invalid("grants", problem));
        }
        if let Some((_, both, _)) = steps
            .set
            .iter()
            .find(|(_, one, _)| steps.clear.contains(one))
        {
            let problem = format!("{both} is to be set and to be cleared");
            return Err(AdminReply::invalid("clear", problem));
        }
        Ok(steps)
    }

    fn said(&self) -> Said {
        self.set.said(Said::default()).texts("clear", &self.clear)
    }
}

impl Steps {
    /// Refuses what only a live home can tell: a node that is tied to an entity stays tied to it, and
    /// whether the id still is that entity's nobody knows without the home.
    fn is_possible(&self, tree: &Tree, home: Option<&Snapshot>) -> Result<(), AdminReply> {
        if home.is_some() {
            return Ok(());
        }
        let tied = |target: &Target| {
            let node = tree.entities().find(|(id, _)| target.is_entity(id));
            node.is_some_and(|(_, node)| matches!(node.anchor, Anchor::Registered(_)))
        };
        match self.set.iter().find(|(_, target, _)| tied(target)) {
            None => Ok(()),
            Some((field, target, _)) => Err(AdminReply::invalid(
                field,
                format!(
                    "{target} was granted or denied before, and only a running server that knows \
                     the home can tell whether it is still the same entity; start housekey serve \
                     first"
                ),
            )),
        }
    }

    /// Changes a tree; the nodes that had to follow their entities first.
    fn apply(self, tree: &mut Tree, home: Option<&Snapshot>) -> Vec<Move> {
        let mut moves = Vec::new();
        // A node stands under the id that its entity had. To set the node of whatever has that id at
        // present must not take it from that entity: a denial would be lost.
        if let Some((settled, moved)) = home.and_then(|home| anchors::settled(tree, home)) {
            *tree = settled;
            moves = moved;
        }
        for target in self.clear {
            target.clear(tree);
        }
        for (_, target, color) in self.set {
            target.set(tree, color, home);
        }
        moves
    }
}

impl Desk<'_> {
    pub(super) async fn permit(&self, token: String, edit: GrantEdit) -> AdminReply {
        let Some(record) = self.living(&token) else {
            return AdminReply::NotFound { token };
        };
        let home = self.home.as_ref();
        let steps = match edit.read() {
            Ok(steps) => steps,
            Err(invalid) => return invalid,
        };
        // Looked at again when the token is changed; here it spares a record of nothing.
        if let Err(refused) = steps.is_possible(&record.scope.tree, home) {
            return refused;
        }
        let targets = steps.set.iter().map(|(_, target, _)| target);
        let mut remarks: Vec<String> = home
            .into_iter()
            .flat_map(|home| targets.clone().filter_map(|target| target.remark(home)))
            .collect();
        let act = Act::on("token.permit", &record, edit.said().payload());
        let permitted = self.recorded(act, || {
            let mut moves = Ok(Vec::new());
            let change = |edit: &mut TokenEdit| {
                let tree = &mut edit.scope.tree;
                moves = steps
                    .is_possible(tree, home)
                    .map(|()| steps.apply(tree, home));
            };
            let tokens = self.store.tokens();
            let updated = tokens.update(&record.id, self.now, change)?;
            let moves = moves.map_err(Undone::Refused)?;
            remarks.extend(moves.iter().map(|one| {
                format!(
                    "{} is called {} by now; its grant went with it",
                    one.from, one.to
                )
            }));
            let moved: Vec<String> = moves.iter().map(Move::to_string).collect();
            let payload = Said::default().texts("followed", &moved).payload();
            Ok(Done::with(updated, payload))
        });
        let permitted = permitted.await;
        match permitted {
            Ok(token) => {
                if token.scope.pass_through {
                    remarks.push("the token passes through, so its grants have no effect".into());
                }
                AdminReply::Changed { token, remarks }
            }
            Err(refusal) => refusal,
        }
    }
}
