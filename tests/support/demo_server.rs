//! A running demo for tests that block: its runtime has a thread of its own.

use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use device_login::demo::{Addresses, Demo, Options};
use serde_json::Value;

use super::http::{self, Answer};

pub(crate) const SCOPE: &str = "AaaServer.profile.READ,ZohoCRM.users.READ,ZohoCRM.modules.ALL";

pub(crate) struct DemoServer {
    demo: Option<Demo>,
    runtime: Option<(tokio::sync::oneshot::Sender<()>, JoinHandle<()>)>,
}

impl DemoServer {
    pub(crate) fn start(options: Options) -> Self {
        let (started, start) = mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let thread = thread::spawn(move || {
            crate::support::runtime().block_on(async move {
                started.send(Demo::start(options).await.expect("loopback can be listened at")).expect("the test waits");
                let _ = stopped.await;
            });
        });
        let demo = start.recv().expect("the demo starts");
        Self { demo: Some(demo), runtime: Some((stop, thread)) }
    }

    pub(crate) fn demo(&self) -> &Demo {
        self.demo.as_ref().expect("it runs until it is dropped")
    }

    /// Drops the demo while its runtime goes on.
    pub(crate) fn stop(&mut self) {
        self.demo.take();
    }

    pub(crate) fn addresses(&self) -> &Addresses {
        self.demo().addresses()
    }

    pub(crate) fn us(&self, path: &str) -> String {
        format!("{}{path}", self.addresses().data_centers.us.accounts_server)
    }

    pub(crate) fn eu(&self, path: &str) -> String {
        format!("{}{path}", self.addresses().data_centers.eu.accounts_server)
    }

    /// Asks for a device code.
    pub(crate) fn device_code(&self, scope: &str) -> Value {
        let parameters = [
            ("client_id", self.addresses().client_id.as_str()),
            ("grant_type", "device_request"),
            ("scope", scope),
            ("access_type", "offline"),
            ("prompt", "consent"),
        ];
        http::post(&self.us("/oauth/v3/device/code"), &parameters).json()
    }

    /// Polls for the device code at an accounts server.
    pub(crate) fn poll(&self, accounts_server: &str, device_code: &Value) -> Answer {
        let parameters = [
            ("client_id", self.addresses().client_id.as_str()),
            ("client_secret", self.addresses().client_secret.as_str()),
            ("grant_type", "device_token"),
            ("code", text(&device_code["device_code"])),
        ];
        http::post(&format!("{accounts_server}/oauth/v3/device/token"), &parameters)
    }
}

impl Drop for DemoServer {
    fn drop(&mut self) {
        self.stop();
        if let Some((stop, thread)) = self.runtime.take() {
            let _ = stop.send(());
            let _ = thread.join();
        }
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}
