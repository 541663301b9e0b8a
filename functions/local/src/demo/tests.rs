//! The shop behaves like a shop.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::routes::routes;
use super::store::Store;

struct Shop {
    store: Arc<Store>,
    router: Router,
    token: String,
    _folder: TempDir,
}

/// A shop in which everything is due at once, and someone who is logged in.
async fn shop() -> Shop {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(&folder.path().join("shop.db"), Duration::ZERO).unwrap());
    let router = routes(Arc::clone(&store), None);
    let mut shop = Shop { store, router, token: String::new(), _folder: folder };
    let (status, body) = shop.send("POST", "/login", &[], json!({"user": "ada", "password": "lovelace"})).await;
    assert_eq!(status, StatusCode::OK);
    shop.token = body["token"].as_str().unwrap().to_owned();
    shop
}

impl Shop {
    async fn text(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Json) -> (StatusCode, String) {
        let mut request = Request::builder().method(method).uri(path);
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = response.status();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Json) -> (StatusCode, Json) {
        let (status, text) = self.text(method, path, headers, body).await;
        (status, serde_json::from_str(&text).unwrap_or(Json::Null))
    }

    async fn get(&self, path: &str) -> (StatusCode, Json) {
        self.send("GET", path, &[], Json::Null).await
    }

    async fn order(&self, lines: Json) -> (StatusCode, Json) {
        self.send("POST", "/orders", &[], json!({"lines": lines})).await
    }
}

fn two_chairs() -> Json {
    json!([{"sku": "A1", "quantity": 2}])
}

#[tokio::test]
async fn an_order_is_paid_by_the_outbox_then_shipped_when_asked() {
    let shop = shop().await;
    let (status, order) = shop.order(two_chairs()).await;
    assert_eq!((status, &order["status"], &order["totalCents"]), (StatusCode::CREATED, &json!("NEW"), &json!(9_800)));
    let path = format!("/orders/{}", order["id"].as_str().unwrap());

    assert_eq!(shop.text("GET", &format!("{path}/invoice"), &[], Json::Null).await.0, StatusCode::CONFLICT);
    assert_eq!(shop.send("POST", &format!("{path}/shipment"), &[], Json::Null).await.0, StatusCode::CONFLICT);
    shop.store.settle_due().unwrap();
    assert_eq!(shop.get(&path).await.1["status"], "PAID");
    let (status, invoice) = shop.text("GET", &format!("{path}/invoice"), &[], Json::Null).await;
    assert!(status == StatusCode::OK && invoice.contains("<total currency=\"EUR\">98.00</total>"), "{invoice}");

    assert_eq!(shop.send("POST", &format!("{path}/shipment"), &[], Json::Null).await.0, StatusCode::ACCEPTED);
    shop.store.settle_due().unwrap();
    let shipped = shop.get(&path).await.1;
    assert_eq!(shipped["status"], "SHIPPED");
    assert!(shipped["trackingNumber"].as_str().unwrap().starts_with("TRK"));
    assert_eq!(shop.send("DELETE", &path, &[], Json::Null).await.0, StatusCode::CONFLICT);

    let events = shop.get(&format!("/events?orderId={}", order["id"].as_str().unwrap())).await.1;
    let kinds: Vec<&Json> = events["events"].as_array().unwrap().iter().map(|event| &event["type"]).collect();
    assert_eq!(kinds, ["payment.settled", "order.shipped"]);
}

#[tokio::test]
async fn the_same_idempotency_key_places_one_order_and_refuses_another_body() {
    let shop = shop().await;
    let key = [("idempotency-key", "one")];
    let (first, order) = shop.send("POST", "/orders", &key, json!({"lines": two_chairs()})).await;
    let (second, again) = shop.send("POST", "/orders", &key, json!({"lines": two_chairs()})).await;
    assert_eq!((first, second, &order["id"]), (StatusCode::CREATED, StatusCode::OK, &again["id"]));
    let other = json!({"lines": [{"sku": "B1", "quantity": 1}]});
    assert_eq!(shop.send("POST", "/orders", &key, other).await.0, StatusCode::CONFLICT);
    assert_eq!(shop.get("/orders").await.1["count"], 1);
}

#[tokio::test]
async fn a_cancelled_order_gives_its_goods_back_and_is_never_paid() {
    let shop = shop().await;
    let order = shop.order(two_chairs()).await.1;
    assert_eq!(shop.get("/products/A1").await.1["stock"], 398);
    let path = format!("/orders/{}", order["id"].as_str().unwrap());
    for _ in 0..2 {
        assert_eq!(shop.send("DELETE", &path, &[], Json::Null).await.1["status"], "CANCELLED");
    }
    shop.store.settle_due().unwrap();
    assert_eq!(shop.get(&path).await.1["status"], "CANCELLED");
    assert_eq!(shop.get("/products/A1").await.1["stock"], 400);
    assert_eq!(shop.get("/events").await.1["count"], 0);
}

#[tokio::test]
async fn each_mistake_has_its_status() {
    let shop = shop().await;
    assert_eq!(shop.order(json!([])).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(shop.order(json!([{"sku": "Z9", "quantity": 1}])).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(shop.order(json!([{"sku": "A1", "quantity": 0}])).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(shop.order(json!([{"sku": "C9", "quantity": 1}])).await.0, StatusCode::CONFLICT);
    assert_eq!(shop.order(json!("chairs")).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(shop.get("/orders/ord_none").await.0, StatusCode::NOT_FOUND);
    assert_eq!(shop.get("/nowhere").await.0, StatusCode::NOT_FOUND);
    let wrong = json!({"user": "ada", "password": "byron"});
    assert_eq!(shop.send("POST", "/login", &[], wrong).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn nobody_sees_the_orders_of_another_or_without_logging_in() {
    let mut shop = shop().await;
    let order = shop.order(two_chairs()).await.1;
    let path = format!("/orders/{}", order["id"].as_str().unwrap());
    let ada = std::mem::take(&mut shop.token);
    assert_eq!(shop.get(&path).await.0, StatusCode::UNAUTHORIZED);
    let cookie = format!("theme=dark; session={ada}");
    assert_eq!(shop.send("GET", &path, &[("cookie", &cookie)], Json::Null).await.0, StatusCode::OK);
    let grace = json!({"user": "grace", "password": "hopper"});
    shop.token = shop.send("POST", "/login", &[], grace).await.1["token"].as_str().unwrap().to_owned();
    assert_eq!(shop.get(&path).await.0, StatusCode::NOT_FOUND);
    shop.send("POST", "/logout", &[], Json::Null).await;
    assert_eq!(shop.get("/me").await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_a_customer_typed_is_not_markup() {
    let shop = shop().await;
    let order = json!({"reference": "<b>&\"", "lines": two_chairs()});
    let order = shop.send("POST", "/orders", &[], order).await.1;
    let path = format!("/orders/{}/page", order["id"].as_str().unwrap());
    let (_, page) = shop.text("GET", &path, &[], Json::Null).await;
    assert!(page.contains("<p class=\"reference\">&lt;b&gt;&amp;&quot;</p>"), "{page}");
}

#[tokio::test]
async fn a_started_shop_answers_until_it_is_dropped() {
    let shop = super::start(0, &super::Systems::default()).await.unwrap();
    let address = shop.base_url.strip_prefix("http://").unwrap().to_owned();
    tokio::net::TcpStream::connect(&address).await.unwrap();
    drop(shop);
    // The listener is closed as soon as its dropped task is gone.
    let gone = async {
        while tokio::net::TcpStream::connect(&address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.unwrap();
}
