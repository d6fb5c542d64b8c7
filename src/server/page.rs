//! The operator's page: files compiled into the program.
//!
//! The page uses the public snapshots and events, and admin actions with a key the operator enters. It loads
//! nothing from other servers, and untrusted text is never parsed as HTML: the content security policy
//! forbids scripts and styles other than these files.

use actix_web::{
    HttpResponse,
    body::BoxBody,
    dev::ServiceRequest,
    http::{
        Method, StatusCode,
        header::{
            ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY,
            X_CONTENT_TYPE_OPTIONS,
        },
    },
};

/// Content security policy.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const ICON: &str = "image/svg+xml";

/// The files: path, type, text.
const FILES: [(&str, &str, &str); 8] = [
    ("/", HTML, include_str!("page/index.html")),
    ("/page.css", CSS, include_str!("page/page.css")),
    ("/page.js", SCRIPT, include_str!("page/page.js")),
    ("/page/icon.svg", ICON, include_str!("page/icon.svg")),
    ("/page/history.js", SCRIPT, include_str!("page/history.js")),
    ("/page/admin.js", SCRIPT, include_str!("page/admin.js")),
    ("/page/pool.js", SCRIPT, include_str!("page/pool.js")),
    ("/page/words.js", SCRIPT, include_str!("page/words.js")),
];

/// Whether a path belongs to the page.
#[must_use]
pub fn is_for(path: &str) -> bool {
    FILES.iter().any(|(known, ..)| *known == path)
}

/// The response for such a path.
#[must_use]
pub fn respond(request: &ServiceRequest) -> HttpResponse {
    let found = FILES.iter().find(|(path, ..)| *path == request.path());
    let (status, kind, text) = match found {
        _ if !matches!(*request.method(), Method::GET | Method::HEAD) => {
            (StatusCode::METHOD_NOT_ALLOWED, "text/plain", "use GET")
        }
        Some((_, kind, text)) => (StatusCode::OK, *kind, *text),
        None => (StatusCode::NOT_FOUND, "text/plain", "there is no such file"),
    };
    let mut response = HttpResponse::with_body(status, BoxBody::new(text));
    let headers = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-cache"), // after an update, the page is that of the new server
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}
