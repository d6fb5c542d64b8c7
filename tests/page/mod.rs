//! The operators' page, in a real browser.

use serde_json::{Value, json};

use crate::support::{Client, ONE_SLOT, Server};

use self::browser::Browser;

mod browser;
mod hands;
mod looks;
mod picture;

/// The key of an operator, whose hash is in [`WITH_KEY`].
const KEY: &str = "secret";

/// One pool, and an operator called olga.
const WITH_KEY: &str = "
admin_keys: [{name: olga, sha256: 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b}]
pools: [{name: pool1, expire: 300}]";

/// The address of a pool on the page.
fn pool_at(server: &Server, pool: &str) -> String {
    format!("http://{}/#pool={pool}", server.addr)
}

/// The texts of all elements that this selector finds.
fn texts(browser: &Browser, selector: &str) -> Value {
    browser.run(&format!(
        "return [...document.querySelectorAll({})].map((found) => found.textContent)",
        json!(selector)
    ))
}

/// `ann` holds the slot, the others wait in this order.
fn busy(server: &Server, waiting: &[&str]) -> Vec<Client> {
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
    waiting.iter().map(|host| server.waiting(host, "pool1")).collect()
}
