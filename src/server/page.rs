//! The operators' page: files that are part of the program, so that there is nothing to install beside it.
//!
//! The page asks the server for what everybody may know, and pulls levers with a key that it is given. It loads
//! nothing from anywhere else, and what it shows of strangers is never read as HTML: the policy that is sent with it
//! forbids scripts and styles that are not these files.

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

/// What the page may do.
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

/// Whether a path is answered here.
#[must_use]
pub fn is_for(path: &str) -> bool {
    FILES.iter().any(|(known, ..)| *known == path)
}

/// Answers a request for such a path.
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
