//! The shop's API.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::answer::Refusal;
use super::orders::Placed;
use super::pages;
use super::store::Store;
use super::systems::{Lie, metrics};

type Shop = State<Arc<Store>>;
type Answer = Result<Response, Refusal>;

/// Every address of the shop.
pub(super) fn routes(store: Arc<Store>, lie: Option<Lie>) -> Router {
    Router::new()
        .route("/health", get(async |State(store): Shop| Json(json!({"status": "up", "shop": store.id}))))
        .route("/login", post(log_in))
        .route("/logout", post(log_out))
        .route("/me", get(me))
        .route("/products", get(products))
        .route("/products/{sku}", get(product))
        .route("/orders", get(orders).post(place))
        .route("/orders/{id}", get(order).delete(cancel))
        .route("/orders/{id}/shipment", post(ship))
        .route("/orders/{id}/page", get(page))
        .route("/orders/{id}/invoice", get(invoice))
        .route("/events", get(events))
        .route(
            "/metrics",
            get(move |State(store): Shop| async move { Ok::<_, Refusal>(metrics(&store.id, store.paid()?, lie)) }),
        )
        .fallback(async || Refusal::NotFound("address"))
        .with_state(store)
}

/// Who calls: by bearer token, or by the session cookie.
struct Caller {
    user: String,
    token: String,
}

impl FromRequestParts<Arc<Store>> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, store: &Arc<Store>) -> Result<Self, Refusal> {
        let token = token(&parts.headers).ok_or(Refusal::NotLoggedIn)?.to_owned();
        Ok(Self { user: store.user(&token)?, token })
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    bearer.or_else(|| text(header::COOKIE)?.split("; ").find_map(|cookie| cookie.strip_prefix("session=")))
}

#[derive(Deserialize)]
struct Login {
    user: String,
    password: String,
}

async fn log_in(State(store): Shop, body: String) -> Answer {
    let login: Login = serde_json::from_str(&body).map_err(|error| Refusal::NotReadable(error.to_string()))?;
    let token = store.log_in(&login.user, &login.password)?;
    let cookie = format!("session={token}; Path=/; HttpOnly; SameSite=Lax");
    let body = json!({"user": login.user, "token": token, "expiresInSeconds": 900});
    Ok(([(header::SET_COOKIE, cookie)], Json(body)).into_response())
}

async fn log_out(State(store): Shop, caller: Caller) -> Answer {
    store.log_out(&caller.token)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, "session=; Path=/; Max-Age=0")]).into_response())
}

async fn me(caller: Caller) -> Answer {
    Ok(Json(json!({"user": caller.user})).into_response())
}

#[derive(Deserialize)]
struct ProductFilter {
    category: Option<String>,
}

async fn products(State(store): Shop, Query(filter): Query<ProductFilter>) -> Answer {
    let items = store.products(filter.category.as_deref())?;
    Ok(Json(json!({"count": items.len(), "items": items})).into_response())
}

async fn product(State(store): Shop, Path(sku): Path<String>) -> Answer {
    Ok(Json(store.product(&sku)?).into_response())
}

async fn place(State(store): Shop, caller: Caller, headers: HeaderMap, body: String) -> Answer {
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok());
    Ok(match store.place(&caller.user, key, &body)? {
        Placed::New(order) => {
            let location = format!("/orders/{}", order["id"].as_str().unwrap_or_default());
            (StatusCode::CREATED, [(header::LOCATION, location)], Json(order)).into_response()
        }
        Placed::Before(order) => Json(order).into_response(),
    })
}

#[derive(Deserialize)]
struct OrderFilter {
    status: Option<String>,
}

async fn orders(State(store): Shop, caller: Caller, Query(filter): Query<OrderFilter>) -> Answer {
    let items = store.orders(&caller.user, filter.status.as_deref())?;
    Ok(Json(json!({"count": items.len(), "items": items})).into_response())
}

async fn order(State(store): Shop, caller: Caller, Path(id): Path<String>) -> Answer {
    Ok(Json(store.order(&caller.user, &id)?).into_response())
}

async fn cancel(State(store): Shop, caller: Caller, Path(id): Path<String>) -> Answer {
    Ok(Json(store.cancel(&caller.user, &id)?).into_response())
}

async fn ship(State(store): Shop, caller: Caller, Path(id): Path<String>) -> Answer {
    Ok((StatusCode::ACCEPTED, Json(store.ship(&caller.user, &id)?)).into_response())
}

async fn page(State(store): Shop, caller: Caller, Path(id): Path<String>) -> Answer {
    Ok(Html(pages::page(&store.order(&caller.user, &id)?)).into_response())
}

async fn invoice(State(store): Shop, caller: Caller, Path(id): Path<String>) -> Answer {
    let order = store.order(&caller.user, &id)?;
    if !matches!(order["status"].as_str(), Some("PAID" | "SHIPPED")) {
        return Err(Refusal::Conflict("there is an invoice once the order is paid".to_owned()));
    }
    Ok(([(header::CONTENT_TYPE, "application/xml")], pages::invoice(&order)).into_response())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventFilter {
    #[serde(default)]
    after: i64,
    order_id: Option<String>,
}

async fn events(State(store): Shop, caller: Caller, Query(filter): Query<EventFilter>) -> Answer {
    let events = store.events(&caller.user, filter.after, filter.order_id.as_deref())?;
    Ok(Json(json!({"count": events.len(), "events": events})).into_response())
}
