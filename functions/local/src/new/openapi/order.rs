//! In which order the operations of a resource are called: create, read, list, what is below it, change; delete at the
//! very end.

use std::collections::BTreeMap;

use super::operation::{Operation, is_parameter, segments};

/// The order of some operations.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// Called one after the other.
    pub(super) steps: Vec<usize>,
    /// Called at the end, whatever happened: what lies below before what it lies in.
    pub(super) finally: Vec<usize>,
    /// By collection: the operation that puts something into it, and the parameter that names it from then on.
    pub(super) creates: BTreeMap<String, (usize, String)>,
}

/// A path without the names of its parameters.
pub(super) fn plain(segments: &[&str]) -> String {
    segments.iter().map(|part| if is_parameter(part) { "{}" } else { part }).collect::<Vec<_>>().join("/")
}

#[derive(Default)]
struct Place {
    path: String,
    /// The parameter's name, where the last part of the path is one.
    parameter: Option<String>,
    operations: Vec<usize>,
    below: Vec<usize>,
}

struct Tree<'o, 'a> {
    operations: &'o [Operation<'a>],
    places: Vec<Place>,
    order: Order,
}

/// The order of the operations with these numbers.
pub(super) fn order(operations: &[Operation<'_>], numbers: &[usize]) -> Order {
    let mut tree = Tree { operations, places: vec![Place::default()], order: Order::default() };
    let mut known: BTreeMap<String, usize> = BTreeMap::from([(String::new(), 0)]);
    for number in numbers {
        let parts = segments(operations[*number].path);
        let mut at = 0;
        for length in 1..=parts.len() {
            let path = plain(&parts[..length]);
            at = match known.get(&path) {
                Some(place) => *place,
                None => {
                    let last = parts[length - 1];
                    let parameter = is_parameter(last).then(|| last.trim_matches(['{', '}']).to_owned());
                    tree.places.push(Place { path: path.clone(), parameter, ..Place::default() });
                    let place = tree.places.len() - 1;
                    tree.places[at].below.push(place);
                    known.insert(path, place);
                    place
                }
            };
        }
        tree.places[at].operations.push(*number);
    }
    tree.visit(0);
    tree.order
}

impl Tree<'_, '_> {
    fn of(&self, place: usize, methods: &[&str]) -> Vec<usize> {
        let all = &self.places[place].operations;
        let of =
            |method: &&str| all.iter().copied().filter(|it| self.operations[*it].method == *method).collect::<Vec<_>>();
        methods.iter().flat_map(of).collect()
    }

    fn visit(&mut self, place: usize) {
        let below = self.places[place].below.clone();
        let (items, others): (Vec<usize>, Vec<usize>) =
            below.into_iter().partition(|place| self.places[*place].parameter.is_some());
        let item = items.first().copied();
        let mut done = Vec::new();
        if let Some(item) = item {
            done = self.creating(place, item);
            self.order.steps.extend(done.iter().copied());
            let reads = self.of(item, &["GET", "HEAD"]);
            self.order.steps.extend(reads);
        }
        let lists = self.of(place, &["GET", "HEAD", "OPTIONS", "TRACE", "POST"]);
        self.order.steps.extend(lists.into_iter().filter(|it| !done.contains(it)));
        others.into_iter().for_each(|place| self.visit(place));
        if let Some(item) = item {
            let deeper = self.places[item].below.clone();
            deeper.into_iter().for_each(|place| self.visit(place));
            let changes = self.of(item, &["POST", "PUT", "PATCH", "OPTIONS", "TRACE"]);
            self.order.steps.extend(changes.into_iter().filter(|it| !done.contains(it)));
            let ends = self.of(item, &["DELETE"]);
            self.order.finally.extend(ends);
        }
        let changes = self.of(place, &["PUT", "PATCH"]);
        self.order.steps.extend(changes.into_iter().filter(|it| !done.contains(it)));
        let ends = self.of(place, &["DELETE"]);
        self.order.finally.extend(ends);
    }

    /// The operations that put something into a collection: the first POST to it, else a PUT of an item that says it was
    /// created.
    fn creating(&mut self, collection: usize, item: usize) -> Vec<usize> {
        let posts = self.of(collection, &["POST"]);
        let puts = self.of(item, &["PUT"]);
        let says = |it: &usize| self.operations[*it].node.pointer("/responses/201").is_some();
        let creating = posts.first().copied().or_else(|| puts.first().copied().filter(says));
        let parameter = self.places[item].parameter.clone().unwrap_or_default();
        let path = self.places[collection].path.clone();
        creating
            .into_iter()
            .inspect(|it| drop(self.order.creates.insert(path.clone(), (*it, parameter.clone()))))
            .collect()
    }
}
