//! Drives a real, headless Chromium through `WebDriver` (<https://www.w3.org/TR/webdriver2/>).

use std::io::{BufRead, BufReader};
use std::panic::catch_unwind;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::http;

/// The key under which `WebDriver` names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
const MISSING: &str =
    "the browser tests need `chromium` and `chromedriver` (Debian: apt-get install chromium chromium-driver)";

#[derive(Clone, Copy, Debug)]
pub(crate) enum Device {
    Phone,
    Desktop,
}

/// A browser window. Closed, with its driver, when dropped.
pub(crate) struct Browser {
    driver: Child,
    session: String,
    profile: TempDir,
}

/// Starts a driver. `None` where it ended before it had a port.
fn driver() -> Option<(Child, u16)> {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{MISSING}: {error}"));
    let output = BufReader::new(driver.stdout.take().expect("it is piped"));
    let port = output.lines().map_while(Result::ok).find_map(|line| {
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse::<u16>().ok()
    });
    if port.is_none() {
        driver.wait().expect("the driver ended");
    }
    Some((driver, port?))
}

impl Browser {
    /// Opens a window. Panics where the browser or its driver is not installed.
    pub(crate) fn open(device: Device) -> Self {
        // The port that a driver finds free in one address family may be taken in the other, which ends it.
        let (driver, port) = (0..5).find_map(|_| driver()).expect("the driver tells its port");
        let sessions = format!("http://127.0.0.1:{port}/session");
        let profile = TempDir::new().expect("there is room for a browser profile");
        let mut browser = Self { driver, session: sessions.clone(), profile };
        let session = command("POST", &sessions, &browser.capabilities(device));
        browser.session = format!("{sessions}/{}", session["sessionId"].as_str().expect("a session has an id"));
        // Elements are waited for, since a click may load another page.
        browser.post("timeouts", &json!({ "implicit": 20_000 }));
        browser
    }

    fn capabilities(&self, device: Device) -> Value {
        let mut arguments: Vec<String> = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--no-proxy-server",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            // Pages of other people's servers ask for fonts from elsewhere.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--window-size=1280,900",
        ]
        .map(str::to_owned)
        .to_vec();
        arguments.push(format!("--user-data-dir={}", self.profile.path().display()));
        let mut options = json!({ "args": arguments });
        if matches!(device, Device::Phone) {
            let metrics = json!({ "width": 390, "height": 844, "pixelRatio": 3.0, "touch": true, "mobile": true });
            options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
        }
        json!({ "capabilities": { "alwaysMatch": { "browserName": "chrome", "goog:chromeOptions": options } } })
    }

    pub(crate) fn go_to(&self, url: &str) {
        self.post("url", &json!({ "url": url }));
    }

    pub(crate) fn click(&self, selector: &str) {
        self.post(&format!("element/{}/click", self.find(selector)), &json!({}));
    }

    pub(crate) fn type_into(&self, selector: &str, text: &str) {
        let element = self.find(selector);
        self.post(&format!("element/{element}/clear"), &json!({}));
        self.post(&format!("element/{element}/value"), &json!({ "text": text }));
    }

    /// The text that is to be seen in an element; waits for the element.
    pub(crate) fn text(&self, selector: &str) -> String {
        let text = command("GET", &format!("{}/element/{}/text", self.session, self.find(selector)), &Value::Null);
        text.as_str().expect("elements have text").to_owned()
    }

    /// What a script of the test finds on the page.
    pub(crate) fn ask(&self, script: &str) -> Value {
        self.post("execute/sync", &json!({ "script": format!("return {script}"), "args": [] }))
    }

    fn find(&self, selector: &str) -> String {
        let found = self.post("element", &json!({ "using": "css selector", "value": selector }));
        found[ELEMENT].as_str().expect("an element has an id").to_owned()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        command("POST", &format!("{}/{path}", self.session), body)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // After a failure the driver may be gone, and a second panic would hide the first.
        let _ = catch_unwind(|| http::send("DELETE", &self.session, &[], ""));
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn command(method: &str, url: &str, body: &Value) -> Value {
    let body = if method == "POST" { body.to_string() } else { String::new() };
    let answer = http::send(method, url, &[("content-type", "application/json")], &body);
    assert_eq!(answer.status, 200, "{method} {url}: {} ({MISSING})", answer.text());
    answer.json()["value"].take()
}
