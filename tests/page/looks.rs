//! What the page shows.

use super::*;

#[test]
fn who_holds_who_waits_and_who_held_are_on_the_page_and_follow_what_happens() {
    let server = Server::start(ONE_SLOT);
    let mut waiting = busy(&server, &["bob", "cid"]);
    let browser = Browser::open(1280, 900);

    browser.go(&pool_at(&server, "pool1"));
    browser.until("document.querySelectorAll('#queue .waiter').length === 2");
    let (holders, line) = (texts(&browser, "#holders .host"), texts(&browser, "#queue .host"));
    assert_eq!(server.word("/release?host=ann&pool=pool1"), "OK");
    browser.until("document.querySelector('#holders .host')?.textContent === 'bob'");
    browser.until("document.querySelectorAll('#runs-body tr').length === 1");

    assert_eq!((holders, line), (json!(["ann"]), json!(["bob", "cid"])));
    assert_eq!(waiting[0].answer().1, "YES");
    assert_eq!(texts(&browser, "#queue .host"), json!(["cid"]));
    assert!(browser.text("#runs-body").contains("ann"), "{}", browser.text("#runs-body"));
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn names_of_strangers_are_shown_and_never_obeyed() {
    let pool = "<img src=x onerror=\"document.title='obeyed'\">";
    let server = Server::start(&format!("pools: [{{name: {}}}]", json!(pool)));
    let host = "<script>document.title='obeyed'</script>\u{202e}evil";
    let acquire = json!({"host": host, "command": "<b onmouseover=alert(1)>\"'&amp;"}).to_string();
    let path = "/v1/pools/%3Cimg%20src%3Dx%20onerror%3D%22document.title%3D%27obeyed%27%22%3E/acquire";
    let mut client = server.connect();
    client.post(path, &acquire);
    assert_eq!(client.answer().0, 201);
    let browser = Browser::open(1280, 900);

    browser.go(&format!("http://{}/", server.addr));
    browser.until("document.querySelector('#pools [data-pool]')");
    browser.click("#pools [data-pool] a");
    browser.until("document.querySelector('#holders .host')");

    let shown = browser.text("#holders .host");
    assert!(shown.starts_with("<script>") && shown.ends_with("\u{fffd}evil"), "{shown}");
    assert!(browser.text("#holders .command").contains("<b onmouseover=alert(1)>\"'&amp;"));
    assert_eq!(browser.text("#pool-name"), pool);
    assert_ne!(browser.run("return document.title"), json!("obeyed"));
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn nothing_runs_over_the_edge_of_a_phone() {
    let server = Server::start(ONE_SLOT);
    let long = "x".repeat(255);
    let _waiting = busy(&server, &[&long, "cid"]);
    let browser = Browser::open(360, 800);

    for url in [format!("http://{}/", server.addr), pool_at(&server, "pool1")] {
        browser.go(&url);
        browser.until("document.querySelector('[data-pool]')");
        browser.until("document.querySelector('#live').dataset.state === 'live'");
        let widths = browser.run("return [document.documentElement.scrollWidth, innerWidth]");
        assert!(widths[0].as_u64() <= widths[1].as_u64() && widths[1] == json!(360), "{url}: {widths}");
    }
}

#[test]
fn of_a_long_line_the_beginning_is_shown_and_the_rest_counted() {
    let server = Server::start(ONE_SLOT);
    let hosts: Vec<String> = (0..300).map(|number| format!("host{number}")).collect();
    let hosts: Vec<_> = hosts.iter().map(String::as_str).collect();
    let _waiting = busy(&server, &hosts);
    let browser = Browser::open(1280, 900);

    browser.go(&pool_at(&server, "pool1"));
    browser.until("document.querySelectorAll('#queue .waiter').length === 100");

    assert_eq!(browser.text("#queue-more"), "and 200 more");
    assert_eq!(browser.text("#queue .waiter:first-child .host"), "host0");
}

#[test]
fn it_says_that_the_server_is_away_and_finds_it_again() {
    let mut server = Server::start(ONE_SLOT);
    let browser = Browser::open(1280, 900);
    browser.go(&pool_at(&server, "pool1"));
    browser.until("document.querySelector('#live').dataset.state === 'live'");

    server.child.kill().unwrap();
    server.end();
    browser.until("document.querySelector('#live').dataset.state !== 'live'");
    let server = Server::start_at(ONE_SLOT, server.addr);
    assert_eq!(server.word("/get?host=zoe&pool=pool1"), "YES");

    browser.until("document.querySelector('#live').dataset.state === 'live'");
    browser.until("document.querySelector('#holders .host')?.textContent === 'zoe'");
}

#[test]
fn without_events_it_asks_again_and_again() {
    let server = Server::start(&format!("event_buffer: 0\n{ONE_SLOT}"));
    let browser = Browser::open(1280, 900);
    browser.go(&pool_at(&server, "pool1"));
    browser.until("!document.querySelector('#polling').hidden");

    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");

    browser.until("document.querySelector('#holders .host')?.textContent === 'ann'");
}

#[test]
fn the_page_uses_nothing_of_other_sites() {
    let server = Server::start(ONE_SLOT);
    let browser = Browser::open(1280, 900);
    browser.go(&pool_at(&server, "pool1"));
    browser.until("document.querySelector('#live').dataset.state === 'live'");

    let used = browser
        .run("return performance.getEntriesByType('resource').map((used) => new URL(used.name).origin)");

    let own = format!("http://{}", server.addr);
    let used = used.as_array().unwrap();
    assert!(used.len() > 4 && used.iter().all(|origin| *origin == json!(own)), "{used:?}");
}
