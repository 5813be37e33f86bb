//! A request as handlers see it, and the kinds of answers.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode, Uri};
use serde_json::Value;

use super::parameters::Parameters;
use super::server::Site;

pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;
pub(super) type Response = hyper::Response<Body>;
pub(super) type Handler = fn(&Site, &Request) -> Response;

/// A request that was read whole.
pub(super) struct Request {
    pub(super) method: Method,
    uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) parameters: Parameters,
}

impl Request {
    /// Reads a request with a body of `limit` bytes at most. Fails with the answer to one that is longer or does not come.
    pub(super) async fn read(request: hyper::Request<Incoming>, limit: usize) -> Result<Self, Response> {
        let (head, body) = request.into_parts();
        let body = match Limited::new(body, limit).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                return Err(text(StatusCode::PAYLOAD_TOO_LARGE, "413 Payload Too Large\n"));
            }
            Err(_) => return Err(text(StatusCode::BAD_REQUEST, "400 Bad Request\n")),
        };
        let parameters = Parameters::read(&head.headers, head.uri.query().unwrap_or_default(), &body);
        Ok(Self { method: head.method, uri: head.uri, headers: head.headers, parameters })
    }

    pub(super) fn path(&self) -> &str {
        self.uri.path()
    }
}

/// What answers under one path, by the method of the request.
pub(super) enum Route {
    Get(Handler),
    Post(Handler),
    GetAndPost(Handler, Handler),
}

impl Route {
    /// What answers `method`; HEAD is a GET of which the server sends no body.
    pub(super) fn handler(&self, method: &Method) -> Option<Handler> {
        let is_read = matches!(*method, Method::GET | Method::HEAD);
        match self {
            Route::Get(get) | Route::GetAndPost(get, _) if is_read => Some(*get),
            Route::Post(post) | Route::GetAndPost(_, post) if *method == Method::POST => Some(*post),
            _ => None,
        }
    }
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    with_body(status, Full::default().boxed_unsync())
}

pub(super) fn json(status: StatusCode, body: &Value) -> Response {
    of_type("application/json", status, body.to_string())
}

pub(super) fn text(status: StatusCode, body: &'static str) -> Response {
    of_type("text/plain; charset=utf-8", status, body)
}

pub(super) fn of_type(content_type: &'static str, status: StatusCode, body: impl Into<Bytes>) -> Response {
    streamed(content_type, status, Full::new(body.into()).boxed_unsync())
}

pub(super) fn streamed(content_type: &'static str, status: StatusCode, body: Body) -> Response {
    let mut response = with_body(status, body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Leads a browser on, by GET.
pub(super) fn redirect(address: &str) -> Response {
    let Ok(address) = HeaderValue::from_str(address) else { return empty(StatusCode::BAD_REQUEST) };
    let mut response = empty(StatusCode::SEE_OTHER);
    response.headers_mut().insert(header::LOCATION, address);
    response
}

fn with_body(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}
