//! A real browser: Debian's chromium, driven through its chromedriver as <https://www.w3.org/TR/webdriver2/> says.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Lines, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};

use crate::support::eventually;

/// A browser may take so long to start on a machine that compiles.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The name under which WebDriver hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser window. It ends with this value, and all its processes with it.
#[derive(Debug)]
pub(super) struct Browser {
    driver: Child,
    /// Kept open, so that the driver never writes into a closed pipe.
    _stdout: Lines<BufReader<ChildStdout>>,
    addr: SocketAddr,
    session: String,
    profile: PathBuf,
}

impl Browser {
    /// Opens a window of this size.
    pub(super) fn open(width: u32, height: u32) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("browser-{}-{number}", std::process::id());
        let profile = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("chromedriver starts (Debian: chromium-driver)");
        let mut stdout = BufReader::new(driver.stdout.take().unwrap()).lines();
        let addr = ([127, 0, 0, 1], port(&mut stdout)).into();
        let mut browser = Self { driver, _stdout: stdout, addr, session: String::new(), profile };
        let options = json!({
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                format!("--window-size={width},{height}"), format!("--user-data-dir={}", browser.profile.display()),
            ],
        });
        let always = json!({"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}});
        let opened = browser.ask("POST", "/session", &json!({"capabilities": {"alwaysMatch": always}}));
        browser.session = format!("/session/{}", opened["sessionId"].as_str().unwrap());
        // headless windows have borders, too, and no phone is as wide as the narrowest of them
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        browser.devtools("Emulation.setDeviceMetricsOverride", &metrics);
        browser
    }

    /// Goes to this address.
    pub(super) fn go(&self, url: &str) {
        self.call("/url", &json!({"url": url}));
    }

    /// What this script returns.
    pub(super) fn run(&self, script: &str) -> Value {
        self.call("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Returns when this expression is true.
    pub(super) fn until(&self, expression: &str) {
        eventually(|| self.run(&format!("return Boolean({expression})")) == json!(true));
    }

    /// The text of the first element that this selector finds, as it is shown.
    pub(super) fn text(&self, selector: &str) -> String {
        self.get(&format!("/element/{}/text", self.find(selector))).as_str().unwrap().to_owned()
    }

    /// Clicks it.
    pub(super) fn click(&self, selector: &str) {
        self.call(&format!("/element/{}/click", self.find(selector)), &json!({}));
    }

    /// Types into it.
    pub(super) fn write(&self, selector: &str, text: &str) {
        self.call(&format!("/element/{}/value", self.find(selector)), &json!({"text": text}));
    }

    /// Presses a key, wherever the focus is.
    pub(super) fn press(&self, key: &str) {
        let keys = json!([{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]);
        self.call("/actions", &json!({"actions": [{"type": "key", "id": "keyboard", "actions": keys}]}));
    }

    /// Does something that only chromium knows.
    pub(super) fn devtools(&self, command: &str, parameters: &Value) {
        self.call("/goog/cdp/execute", &json!({"cmd": command, "params": parameters}));
    }

    /// The visible part of the page, as a PNG in base64.
    pub(super) fn screenshot(&self) -> String {
        self.get("/screenshot").as_str().unwrap().to_owned()
    }

    /// What the browser had to complain about until now.
    pub(super) fn complaints(&self) -> Vec<String> {
        let log = self.call("/se/log", &json!({"type": "browser"}));
        let entries = log.as_array().unwrap().iter();
        entries.map(|entry| entry["message"].as_str().unwrap().to_owned()).collect()
    }

    fn find(&self, selector: &str) -> String {
        let found = self.call("/element", &json!({"using": "css selector", "value": selector}));
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    fn call(&self, path: &str, body: &Value) -> Value {
        self.ask("POST", &format!("{}{path}", self.session), body)
    }

    fn get(&self, path: &str) -> Value {
        self.ask("GET", &format!("{}{path}", self.session), &json!({}))
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let (addr, body) = (self.addr, if method == "GET" { String::new() } else { body.to_string() });
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {addr}");
        write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        let said: Value = serde_json::from_slice(&body_of(&mut BufReader::new(stream))).unwrap();
        let value = &said["value"];
        assert!(value["error"].is_null(), "{method} {path}: {value}");
        value.clone()
    }
}

/// The body of an answer. The driver leaves the connection open behind it.
fn body_of(answer: &mut BufReader<TcpStream>) -> Vec<u8> {
    let (mut line, mut length) = (String::new(), 0);
    while line != "\r\n" {
        line.clear();
        assert_ne!(answer.read_line(&mut line).unwrap(), 0, "the driver ended the connection");
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    answer.read_exact(&mut body).unwrap();
    body
}

/// The port that the driver says it listens on.
fn port(lines: &mut impl Iterator<Item = io::Result<String>>) -> u16 {
    let said = lines.find_map(|line| {
        let line = line.unwrap();
        line.rsplit_once("successfully on port ").map(|(_, port)| port.trim_end_matches('.').to_owned())
    });
    said.expect("chromedriver tells its port").parse().unwrap()
}

impl Drop for Browser {
    fn drop(&mut self) {
        let group = Pid::from_child(&self.driver);
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.driver.wait();
        let _ = fs::remove_dir_all(&self.profile);
    }
}
