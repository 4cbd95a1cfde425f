//! Laws P4, P5 and P6, over random houses and scopes.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod house;

use std::collections::BTreeSet;

use house::{
    Aim, DOMAINS, Grants, IDS, PLACES, Plan, device_id, entity_id, grants, ids, plan, set,
};
use housekey_home::id::EntityId;
use housekey_home::snapshot::Snapshot;
use housekey_policy::tree::{Color, EntityNode, Node};
use housekey_policy::verdict::{Truth, permission};
use housekey_policy::{Permission, Scope, View, explain};
use proptest::prelude::*;

/// Where a node can be.
#[derive(Clone, Copy, Debug)]
enum Spot {
    Domain(usize),
    Device(usize),
    Entity(usize),
}

fn spot() -> impl Strategy<Value = Spot> {
    prop_oneof![
        (0..DOMAINS.len()).prop_map(Spot::Domain),
        (0..PLACES).prop_map(Spot::Device),
        (0..IDS.len()).prop_map(Spot::Entity),
    ]
}

/// Sets a node as an owner does in this house.
fn set_node(scope: &mut Scope, plan: &Plan, spot: Spot, color: Color) {
    let node = Node { color, hint: None };
    match spot {
        Spot::Domain(domain) => scope.tree.set_domain(DOMAINS[domain], node),
        Spot::Device(device) => scope.tree.set_device(device_id(device), node),
        Spot::Entity(index) => {
            let anchor = plan.anchor(index);
            scope
                .tree
                .set_entity(entity_id(index), EntityNode { node, anchor });
        }
    }
}

fn permissions(snapshot: &Snapshot, scope: &Scope) -> Vec<Permission> {
    (0..IDS.len())
        .map(|index| permission(snapshot, scope, &entity_id(index)))
        .collect()
}

/// The resolver once more, as a page of plain rules (ATM 1.1 `policy_engine.py`).
fn stupid(plan: &Plan, snapshot: &Snapshot, grants: &Grants, index: usize) -> Permission {
    if !plan.has_state(index) && !plan.has_entry(index) {
        return Permission::Refused(Truth::Absent);
    }
    let is_unexposed = grants.use_assist_exposure && !snapshot.is_exposed(&entity_id(index));
    if plan.is_blocked(index) || is_unexposed {
        return Permission::Refused(Truth::NoGrant);
    }
    if grants.pass_through {
        return Permission::Write;
    }
    let domain = IDS[index].split('.').next().unwrap();
    let domain = grants.domains.iter().rfind(|(d, _)| DOMAINS[*d] == domain);
    let device = plan.device_of(index);
    let device = device.and_then(|device| grants.devices.iter().rfind(|(d, _)| *d == device));
    let entity = grants.entities.iter().rfind(|(e, _, _)| *e == index);
    let entity = entity.map(|(_, color, aim)| {
        let counts = match aim {
            Aim::Present | Aim::Unresolved => true,
            Aim::Unregistered => !plan.has_entry(index),
            Aim::Gone => false,
            Aim::Renamed(to) => *to == index && plan.has_entry(index),
        };
        match color {
            Color::Red => Color::Red,
            Color::Green | Color::Yellow | Color::Grey if counts => *color,
            Color::Green | Color::Yellow | Color::Grey => Color::Grey,
        }
    });
    let colors = [entity, device.map(|(_, c)| *c), domain.map(|(_, c)| *c)];
    if colors.contains(&Some(Color::Red)) {
        return Permission::Refused(Truth::Denied);
    }
    match colors
        .into_iter()
        .flatten()
        .find(|color| *color != Color::Grey)
    {
        Some(Color::Green) => Permission::Write,
        Some(Color::Yellow) => Permission::Read,
        Some(Color::Grey | Color::Red) | None => Permission::Refused(Truth::NoGrant),
    }
}

/// A scope is limited when it does not see the house whole.
fn limited(grants: &Grants) -> bool {
    !grants.pass_through || grants.use_assist_exposure
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// P4: adding a RED never widens access.
    #[test]
    fn a_red_never_widens(plan in plan(), grants in grants(true), spot in spot()) {
        let snapshot = plan.build();
        let mut scope = grants.scope(&plan);
        let before = permissions(&snapshot, &scope);
        set_node(&mut scope, &plan, spot, Color::Red);
        let after = permissions(&snapshot, &scope);
        for (index, (before, after)) in before.iter().zip(&after).enumerate() {
            prop_assert!(before.can_read() || !after.can_read(), "{} is read", IDS[index]);
            prop_assert!(before.can_write() || !after.can_write(), "{} is written", IDS[index]);
        }
        let is_closed = |index: usize| after[index].can_read() && !grants.pass_through;
        if let Spot::Entity(index) = spot {
            prop_assert!(!is_closed(index), "{} is still open", IDS[index]);
        }
    }

    /// P4: turning a node from GREEN to YELLOW takes writes and nothing else.
    #[test]
    fn yellow_for_green_adds_no_write(plan in plan(), grants in grants(false), which in 0_usize..16) {
        let snapshot = plan.build();
        let mut less = grants.clone();
        let colors = less.domains.iter_mut().map(|(_, color)| color);
        let colors = colors.chain(less.devices.iter_mut().map(|(_, color)| color));
        let colors = colors.chain(less.entities.iter_mut().map(|(_, color, _)| color));
        let mut green: Vec<_> = colors.filter(|color| **color == Color::Green).collect();
        prop_assume!(!green.is_empty());
        let which = which % green.len();
        *green[which] = Color::Yellow;
        let before = permissions(&snapshot, &grants.scope(&plan));
        let after = permissions(&snapshot, &less.scope(&plan));
        for (index, (before, after)) in before.iter().zip(&after).enumerate() {
            prop_assert!(before.can_write() || !after.can_write(), "{} is written", IDS[index]);
            prop_assert_eq!(before.can_read(), after.can_read(), "{}", IDS[index]);
        }
    }

    /// P5: the explanation, the verdict and every filter of the View agree on every entity.
    #[test]
    fn all_filters_agree(plan in plan(), grants in grants(false)) {
        let snapshot = plan.build();
        let scope = grants.scope(&plan);
        let view = View::new(snapshot.clone(), scope.clone().into());
        let listed = view.entities();
        for index in 0..IDS.len() {
            let id = entity_id(index);
            let verdict = permission(&snapshot, &scope, &id);
            prop_assert_eq!(explain(&snapshot, &scope, &id).permission, verdict);
            let got = view.get(&id);
            let is_open = verdict.can_read() && plan.has_state(index);
            prop_assert_eq!(got.is_some(), is_open, "{}", id);
            prop_assert!(got.is_none_or(|visible| visible.can_write() == verdict.can_write()));
            let in_list = listed.iter().find(|visible| *visible.id() == id);
            prop_assert_eq!(in_list.is_some(), is_open, "{}", id);
            prop_assert!(in_list.is_none_or(|v| v.can_write() == verdict.can_write()));
        }
        let is_shown = |id: &EntityId| !grants.pass_through || snapshot.is_exposed(id);
        let mut shown: Vec<_> = listed.iter().filter(|visible| is_shown(visible.id())).collect();
        let overview = view.overview();
        if !grants.pass_through {
            prop_assert_eq!(shown.len(), listed.len(), "a scoped token is shown what it reads");
        }
        shown.sort_by(|a, b| a.name().cmp(b.name()));
        prop_assert_eq!(ids(overview.iter().map(|v| v.id())), ids(shown.iter().map(|v| v.id())));
    }

    /// The verdict is that of the plain rules; grants that hold on to a renamed entity aside, for
    /// which the tree has tests of its own.
    #[test]
    fn the_resolver_equals_the_plain_rules(plan in plan(), grants in grants(true)) {
        // With one node for each spot the order in which they were set does not matter.
        let mut grants = grants;
        let mut seen = BTreeSet::new();
        grants.entities.retain(|(index, _, _)| seen.insert(*index));
        let gone = grants.entities.iter().filter(|(_, _, aim)| matches!(aim, Aim::Gone)).count();
        prop_assume!(gone <= 1);
        let snapshot = plan.build();
        let scope = grants.scope(&plan);
        for (index, id) in IDS.iter().enumerate() {
            let verdict = permission(&snapshot, &scope, &entity_id(index));
            prop_assert_eq!(verdict, stupid(&plan, &snapshot, &grants, index), "{}", id);
        }
    }

    /// P6 for reads: every entity that a View yields is readable, in Home Assistant's order, and no
    /// scrubbed attribute comes with it.
    #[test]
    fn what_a_view_yields_is_readable(plan in plan(), grants in grants(false)) {
        let snapshot = plan.build();
        let scope = grants.scope(&plan);
        let view = View::new(snapshot.clone(), scope.clone().into());
        let (listed, overview) = (view.entities(), view.overview());
        for visible in listed.iter().chain(&overview) {
            prop_assert!(permission(&snapshot, &scope, visible.id()).can_read());
            let keys: Vec<_> = visible.attributes().map(|(key, _)| key).collect();
            prop_assert_eq!(keys, ["friendly_name", "nested"]);
            let nested = visible.attribute("nested").unwrap().into_owned();
            let is_empty = |map: &housekey_home::value::Map| map.iter().next().is_none();
            prop_assert!(matches!(nested, housekey_home::value::Value::Map(map) if is_empty(&map)));
            prop_assert!(visible.attribute("entity_picture").is_none());
        }
        let order = snapshot.entities().map(|entity| &entity.state().entity_id);
        let known = set(listed.iter().map(|visible| visible.id()));
        let expected: Vec<_> = ids(order).into_iter().filter(|id| known.contains(id)).collect();
        prop_assert_eq!(ids(listed.iter().map(|visible| visible.id())), expected);
    }

    /// An area exists for a limited scope exactly when something readable is in it.
    #[test]
    fn areas_are_those_with_something_readable(plan in plan(), grants in grants(false)) {
        let snapshot = plan.build();
        let scope = grants.scope(&plan);
        let registry = snapshot.registry();
        let inhabited: BTreeSet<_> = registry
            .entities()
            .filter(|entry| snapshot.entity(&entry.entity_id).is_some())
            .filter(|entry| permission(&snapshot, &scope, &entry.entity_id).can_read())
            .filter_map(|entry| registry.area_of(entry))
            .map(|area| area.id.clone())
            .collect();
        let view = View::new(snapshot.clone(), scope.into());
        let seen: Vec<_> = view.areas().iter().map(|area| area.id().clone()).collect();
        let exists = |id: &_| !limited(&grants) || inhabited.contains(id);
        let expected: Vec<_> = registry.areas().map(|area| area.id.clone()).filter(exists).collect();
        prop_assert_eq!(seen, expected);
    }
}

/// What a View, and what it yields, must not give away does not compile.
#[test]
fn the_wall_holds() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
