//! What can be done on the page.

use super::*;

/// Returns when the dialog asks for a reason and a key, gives both, and confirms.
fn confirm(browser: &Browser, reason: &str, key: Option<&str>) {
    browser.until("document.querySelector('#action').open");
    browser.write("#action-reason", reason);
    if let Some(key) = key {
        browser.write("#action-key", key);
    }
    browser.click("#action-confirm");
}

#[test]
fn an_operator_takes_a_slot_away_with_a_key_and_a_reason() {
    let server = Server::start(WITH_KEY);
    let mut waiting = busy(&server, &["bob"]);
    let browser = Browser::open(1280, 900);
    browser.go(&pool_at(&server, "pool1"));
    browser.until("document.querySelector('#holders .holder')");

    browser.click("#holders .actions button:last-child");
    let warning = browser.text("#action-what");
    confirm(&browser, "web1 is broken", Some(KEY));
    browser.until("document.querySelector('#holders .host')?.textContent === 'bob'");
    browser.until("document.querySelectorAll('#runs-body tr').length === 1");

    assert!(warning.contains("Its command is not stopped and may still run"), "{warning}");
    assert_eq!(waiting[0].answer().1, "YES");
    let run = browser.text("#runs-body");
    assert!(run.contains("olga") && run.contains("web1 is broken"), "{run}");
    let kept = browser.run(
        "return JSON.stringify([location.href, {...localStorage}, {...sessionStorage}, document.cookie, \
         document.documentElement.outerHTML])",
    );
    assert!(!kept.as_str().unwrap().contains(KEY), "the key is kept where others find it");
}

#[test]
fn a_holder_is_asked_to_stop_and_the_page_says_by_whom() {
    let server = Server::start(WITH_KEY);
    let mut ann = server.connect();
    ann.post("/v1/pools/pool1/acquire", &json!({"host": "ann", "owner": "o", "ttl": 60}).to_string());
    assert_eq!(ann.answer().0, 201);
    let browser = Browser::open(1280, 900);
    browser.go(&pool_at(&server, "pool1"));
    browser.until("document.querySelector('#holders .holder')");

    browser.click("#holders .actions button:first-child");
    let what = browser.text("#action-what");
    confirm(&browser, "hotfix first", Some(KEY));
    browser.until("!document.querySelector('#holders .revoked').hidden");
    let (said, holder) = (browser.text("#said-text"), browser.text("#holders .revoked"));
    ann.post("/v1/pools/pool1/release", &json!({"host": "ann", "owner": "o"}).to_string());
    assert_eq!(ann.answer().0, 204);
    browser.until("document.querySelectorAll('#runs-body tr').length === 1");

    assert!(what.contains("The slot is granted only after the release"), "{what}");
    assert!(said.starts_with("ann is asked to stop") && said.contains("is free by "), "{said}");
    assert!(holder.starts_with("Revoked by olga: hotfix first; free by "), "{holder}");
    let run = browser.text("#runs-body");
    assert!(run.contains("released, revoked by olga: hotfix first"), "{run}");
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn a_wrong_key_is_refused_with_the_servers_sentence_and_changes_nothing() {
    let server = Server::start(WITH_KEY);
    let _waiting = busy(&server, &["bob"]);
    let browser = Browser::open(1280, 900);
    browser.go(&pool_at(&server, "pool1"));
    browser.until("document.querySelector('#holders .holder')");

    browser.click("#pause");
    confirm(&browser, "kernel update", Some("guessed"));
    browser.until("!document.querySelector('#action-refused').hidden");

    assert!(browser.text("#action-refused").contains("unknown key"));
    assert_eq!(browser.text("#key-button"), "Sign in…", "it is not kept");
    assert_eq!(server.get("/v1/pools/pool1").1.matches("\"paused\":null").count(), 1);
}

#[test]
fn a_key_is_checked_when_it_is_entered_and_shows_whose_it_is() {
    let server = Server::start(WITH_KEY);
    let browser = Browser::open(1280, 900);
    browser.go(&pool_at(&server, "pool1"));
    browser.click("#key-button");

    browser.write("#key-text", "guessed");
    browser.press("\u{e007}");
    browser.until("!document.querySelector('#key-refused').hidden");
    let (refused, shown) = (browser.text("#key-refused"), browser.text("#key-button"));
    browser.run("document.querySelector('#key-text').value = ''");
    browser.write("#key-text", KEY);
    browser.press("\u{e007}");
    browser.until("!document.querySelector('#key').open");

    assert!(refused.contains("unknown key"), "{refused}");
    assert_eq!(shown, "Sign in…");
    assert_eq!(browser.text("#key-button"), "Signed in as olga…");
}

#[test]
fn a_pool_is_paused_and_resumed_with_the_keyboard_alone() {
    let server = Server::start(WITH_KEY);
    let browser = Browser::open(1280, 900);
    browser.go(&pool_at(&server, "pool1"));
    browser.until("!document.querySelector('#pause').hidden && document.querySelector('#live').dataset.state === 'live'");

    let tab_to = |id: &str| {
        for _ in 0..60 {
            if browser.run("return document.activeElement.id") == json!(id) {
                return;
            }
            browser.press("\u{e004}");
        }
        panic!("the tab key never comes to {id}");
    };
    tab_to("pause");
    browser.press("\u{e007}");
    browser.until("document.querySelector('#action').open && document.activeElement.id === 'action-reason'");
    browser.write("#action-reason", "kernel update");
    tab_to("action-key");
    browser.write("#action-key", KEY);
    browser.press("\u{e007}");
    browser.until("!document.querySelector('#pool-paused').hidden");
    let paused = browser.text("#pool-paused");
    tab_to("resume");
    browser.press("\u{e007}");
    browser.until("document.querySelector('#action').open");
    browser.press("\u{e00c}");
    browser.until("!document.querySelector('#action').open");

    assert!(paused.contains("olga") && paused.contains("kernel update"), "{paused}");
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "NO", "Escape leaves all as it is");
}

#[test]
fn a_waiter_is_moved_to_the_front_and_another_out_of_the_line() {
    let server = Server::start(WITH_KEY);
    let mut waiting = busy(&server, &["bob", "cid", "dan"]);
    let browser = Browser::open(1280, 900);
    browser.go(&pool_at(&server, "pool1"));
    browser.until("document.querySelectorAll('#queue .waiter').length === 3");

    browser.click("#queue [data-ticket='3'] .actions button:first-child");
    confirm(&browser, "a hurry", Some(KEY));
    browser.until("document.querySelector('#queue .host')?.textContent === 'dan'");
    browser.until("!document.querySelector('#action').open");
    browser.click("#queue [data-ticket='1'] .actions button:last-child");
    confirm(&browser, "no longer wanted", None);
    browser.until("document.querySelectorAll('#queue .waiter').length === 2");

    assert_eq!(waiting[0].answer().1, "NO");
    assert_eq!(texts(&browser, "#queue .host"), json!(["dan", "cid"]));
    assert_eq!(server.word("/release?host=ann&pool=pool1"), "OK");
    assert_eq!(waiting[2].answer().1, "YES");
}
