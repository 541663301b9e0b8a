//! The flow that is killed: POSTs, steps side by side, a `foreach`, a sub-flow, a delay and `finally`, with captured
//! values passed on.

/// How many instances `items` has.
pub(crate) const ITEMS: u32 = 6;
/// What a run that nobody kills asks of the target.
pub(crate) const REQUESTS: usize = 17;

/// `URL` is the target's address. Every round has a path of its own there.
pub(crate) const MAIN: &str = "\
name: ordering
inputs:
  round: {type: string, required: true}
defaults: {http: {baseUrl: \"URL/${inputs.round}\"}}
steps:
  - {id: open, type: http, with: {method: POST, url: /open}, assert: status == 201, capture: {id: body.id}}
  - {id: stock, type: http, needs: [], with: {method: POST, url: /stock}, assert: status == 201}
  - {id: look, type: http, needs: [], with: {url: /look}, assert: status == 200}
  - id: keyed
    type: http
    needs: []
    with: {method: POST, url: /keyed, headers: {idempotency-key: \"${uuid()}\"}}
    assert: status == 201
  - {id: pause, type: delay, needs: [open], with: {for: 10ms}}
  - id: pay
    type: http
    needs: [open]
    with: {method: POST, url: /pay}
    retry: {maxAttempts: 2, interval: 5ms, on: [\"status == 503\"]}
    assert: status == 201
  - id: items
    type: http
    needs: [open]
    foreach: \"${[0, 1, 2, 3, 4, 5]}\"
    maxParallel: 3
    with: {method: POST, url: \"/items-${item}\"}
    assert: status == 201
    capture: {id: body.id}
  - id: ship
    type: flow
    needs: [open]
    with: {flow: ship.yaml, inputs: {round: \"${inputs.round}\", order: \"${steps.open.id}\"}}
    capture: {parcel: parcel}
  - id: again
    type: http
    needs: [open]
    onLost: retry
    with: {method: POST, url: /again}
    assert: status == 201
  - id: close
    type: http
    needs: [open, stock, look, keyed, pause, pay, items, ship, again]
    with:
      method: POST
      url: /close
      query: {order: \"${steps.open.id}\", parcel: \"${steps.ship.parcel}\", items: \"${steps.items.id.join('-')}\"}
    assert: status == 201
finally:
  - {id: clean, type: http, with: {method: DELETE, url: /clean}, assert: status == 200}
";

/// The sub-flow.
pub(crate) const SHIP: &str = "\
name: shipping
inputs:
  round: {type: string, required: true}
  order: {type: string, required: true}
defaults: {http: {baseUrl: \"URL/${inputs.round}\"}}
steps:
  - id: parcel
    type: http
    with: {method: POST, url: /parcel, query: {order: \"${inputs.order}\"}}
    assert: status == 201
    capture: {parcel: body.id}
finally:
  - {id: unship, type: http, with: {method: DELETE, url: /unship}, assert: status == 200}
";

/// What the query of `close` must be, when it is sent at all.
pub(crate) const CLOSED_WITH: &str = "order=id-of-open&parcel=id-of-parcel&items=id-of-items-0-id-of-items-1-id-of-items-2-id-of-items-3-id-of-items-4-id-of-items-5";

/// What may happen to a lost attempt of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The step is errored: it may have acted.
    Errored,
    /// It is tried this often beyond its own attempts, each of them recorded.
    Repeated(usize),
}

/// A place that sends requests.
pub(crate) struct Sender {
    pub(crate) step: &'static str,
    pub(crate) instance: Option<u32>,
    /// Method and path below the round.
    pub(crate) request: String,
    pub(crate) lost: Lost,
    /// How often the target must be asked until it answers as wished.
    pub(crate) wanted: usize,
}

fn sender(step: &'static str, method: &str, lost: Lost, wanted: usize) -> Sender {
    Sender { step, instance: None, request: format!("{method} {step}"), lost, wanted }
}

/// The senders of the flow itself.
pub(crate) fn main_senders() -> Vec<Sender> {
    let mut senders = vec![
        sender("open", "POST", Lost::Errored, 1),
        sender("stock", "POST", Lost::Errored, 1),
        sender("look", "GET", Lost::Repeated(1), 1),
        sender("keyed", "POST", Lost::Repeated(1), 1),
        sender("pay", "POST", Lost::Errored, 2),
        sender("again", "POST", Lost::Repeated(3), 1),
        sender("close", "POST", Lost::Errored, 1),
        sender("clean", "DELETE", Lost::Repeated(1), 1),
    ];
    senders.extend((0..ITEMS).map(|index| Sender {
        step: "items",
        instance: Some(index),
        request: format!("POST items-{index}"),
        lost: Lost::Errored,
        wanted: 1,
    }));
    senders
}

/// Those of the sub-flow.
pub(crate) fn ship_senders() -> Vec<Sender> {
    vec![sender("parcel", "POST", Lost::Errored, 1), sender("unship", "DELETE", Lost::Repeated(1), 1)]
}
