//! A headless Chromium without a network, driven through a pipe by the protocol of its developer tools: no port, no socket, no
//! driver program. Pages are opened with scripts switched off, in light and dark, narrow and wide.
//!
//! The browser is the build that an npm package carries for machines without one. In a network namespace of its own it has no
//! network at all; where namespaces are denied no name resolves. Either way every request that a page makes is seen.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::asked;
use crate::checkout::Checkout;

/// The package.
const PACKAGE: &str = "@sparticuz/chromium";

/// Its version; a folder for each, so that another pin is another browser.
const VERSION: &str = "153.0.0";

/// Nothing waits longer for the browser: many times what all pages need, even where others use the CPUs.
const LIMIT_S: u32 = 600;

/// Unpacks what `npm pack` brought: the browser, its libraries, a font and a renderer that needs no graphics card, each packed by
/// brotli, which Node knows.
const UNPACK: &str = r#"
const zlib = require("zlib"), fs = require("fs"), { pipeline } = require("stream/promises");
(async () => {
    for (const name of ["chromium", "al2023.tar", "fonts.tar", "swiftshader.tar"])
        await pipeline(fs.createReadStream(`package/bin/${name}.br`), zlib.createBrotliDecompress(),
            fs.createWriteStream(name, { mode: 0o755 }));
})();
"#;

/// What is asked of a page: whether all of it is laid out, nothing sticks out, and everything can be read.
const LAYOUT: &str = include_str!("layout.js");

/// Widths of a telephone and of a large window.
const WIDTHS: [u32; 2] = [400, 1600];

/// Nobody can read text of less contrast (WCAG 2.2, 1.4.3).
const CONTRAST_MIN: f64 = 4.5;

/// The kind of records whose page is tables alone.
const TABLES: &str = "count";

/// A page that says more than a headline.
const LETTERS_MIN: u64 = 500;

/// Opens each page in every way; what was looked at, in words.
pub(super) fn look(checkout: &Checkout, pages: &[PathBuf]) -> Result<String> {
    let Some(installed) = installed(checkout)? else {
        return Ok(format!(
            "pages NOT opened: `npm pack {PACKAGE}@{VERSION}` failed"
        ));
    };
    let is_alone = asked(Command::new("unshare").args(["-rn", "true"]));
    let mut browser = Browser::start(&installed, is_alone)?;
    let mut drawings = 0;
    for page in pages {
        let mut shots = Vec::new();
        for width in WIDTHS {
            for scheme in ["light", "dark"] {
                let seen = browser
                    .open(page, width, scheme)
                    .and_then(|seen| judged(seen, page))
                    .with_context(|| {
                        format!(
                            "failed to show {} at {width} px in {scheme}",
                            page.display()
                        )
                    })?;
                drawings += seen.drawings;
                shots.push(seen.shot);
            }
        }
        shots.sort_unstable();
        shots.dedup();
        ensure!(
            shots.len() == 4,
            "failed to find light and dark different in {}",
            page.display()
        );
    }
    let how = if is_alone {
        "in a network namespace of its own"
    } else {
        "with no name to resolve"
    };
    Ok(format!(
        "{} pages opened {how}, {drawings} drawings laid out",
        pages.len()
    ))
}

/// The folder of the browser; none where it cannot be had.
fn installed(checkout: &Checkout) -> Result<Option<PathBuf>> {
    let folder = checkout.target().join(format!("tools/chromium-{VERSION}"));
    let done = folder.join("fonts.conf");
    if done.exists() {
        return Ok(Some(folder));
    }
    fs::create_dir_all(&folder)
        .with_context(|| format!("failed to create {}", folder.display()))?;
    let within = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&folder);
        asked(&mut command)
    };
    let is_there = within(
        "npm",
        &["pack", "--silent", &format!("{PACKAGE}@{VERSION}")],
    ) && within(
        "sh",
        &[
            "-c",
            "tar xzf sparticuz-chromium-*.tgz && rm sparticuz-chromium-*.tgz",
        ],
    ) && within("node", &["-e", UNPACK])
        && within(
            "sh",
            &[
                "-c",
                "for tar in *.tar; do tar xf \"$tar\" || exit; done; rm -r package *.tar",
            ],
        );
    if !is_there {
        return Ok(None);
    }
    // Its own font, so that a page looks alike on every machine.
    let text = format!(
        "<?xml version=\"1.0\"?><fontconfig><dir>{0}/fonts</dir><cachedir>{0}/cache</cachedir></fontconfig>\n",
        folder.display()
    );
    fs::write(&done, text).with_context(|| format!("failed to write {}", done.display()))?;
    Ok(Some(folder))
}

/// What was seen of a page.
#[derive(Debug)]
struct Seen {
    /// The answer to [`LAYOUT`].
    layout: Value,
    /// Addresses that were asked for.
    requests: Vec<String>,
    /// What the page or the browser complained of.
    complaints: Vec<String>,
    /// How many drawings it has.
    drawings: u64,
    /// The picture, as base64.
    shot: String,
}

fn judged(seen: Seen, page: &Path) -> Result<Seen> {
    let own = format!("file://{}", page.display());
    ensure!(
        seen.requests == [own],
        "failed to do without requests: {:?}",
        seen.requests
    );
    ensure!(
        seen.complaints.is_empty(),
        "failed to do without complaints: {:?}",
        seen.complaints
    );
    let layout = &seen.layout;
    let list = |name: &str| layout[name].as_array().cloned().unwrap_or_default();
    let has_drawings = seen.drawings > 0 || page.file_stem().is_some_and(|kind| kind == TABLES);
    ensure!(
        has_drawings && list("flat").is_empty(),
        "failed to lay out every drawing: {:?}",
        list("flat")
    );
    ensure!(
        list("outside").is_empty(),
        "failed to keep within the window: {:?}",
        list("outside")
    );
    ensure!(
        list("nameless").is_empty(),
        "failed to name every drawing and every column: {:?}",
        list("nameless")
    );
    let contrast = layout["contrast"].as_f64().unwrap_or_default();
    ensure!(
        contrast >= CONTRAST_MIN,
        "failed to be readable: {contrast:.2} is the contrast of {}",
        layout["faintest"]
    );
    let letters = layout["letters"].as_u64().unwrap_or_default();
    ensure!(
        letters >= LETTERS_MIN,
        "failed to find text: {letters} letters"
    );
    Ok(seen)
}

/// A browser that does not outlive the step.
struct Browser {
    child: Child,
    log: PathBuf,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    session: String,
    calls: u64,
    events: Vec<Value>,
}

impl Browser {
    fn start(folder: &Path, is_alone: bool) -> Result<Browser> {
        let profile = folder.join("profile");
        let log = folder.join("log");
        let complaints =
            fs::File::create(&log).with_context(|| format!("failed to write {}", log.display()))?;
        // The browser reads commands from descriptor 3 and answers to 4.
        let mut command = Command::new("timeout");
        command.arg(LIMIT_S.to_string());
        if is_alone {
            command.args(["unshare", "-rn"]);
        }
        command
            .args(["sh", "-c", "exec \"$0\" \"$@\" 3<&0 4>&1 >/dev/null"])
            .arg(folder.join("chromium"))
            .args([
                "--headless",
                "--no-sandbox",
                "--no-zygote",
                "--in-process-gpu",
                "--disable-gpu",
            ])
            .args([
                "--hide-scrollbars",
                "--remote-debugging-pipe",
                "--host-resolver-rules=MAP * ~NOTFOUND",
            ])
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("about:blank")
            .env("LD_LIBRARY_PATH", folder.join("lib"))
            .env("FONTCONFIG_FILE", folder.join("fonts.conf"))
            .env("HOME", folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(complaints);
        let mut child = command
            .spawn()
            .context("failed to start the browser by `timeout`")?;
        let (to, from) = (child.stdin.take(), child.stdout.take());
        let mut browser = Browser {
            to: to.context("its commands are a pipe")?,
            from: BufReader::new(from.context("its answers are a pipe")?),
            child,
            log,
            session: String::new(),
            calls: 0,
            events: Vec::new(),
        };
        browser.attach()?;
        Ok(browser)
    }

    fn attach(&mut self) -> Result<()> {
        let target = self.call("Target.createTarget", &json!({ "url": "about:blank" }))?;
        let flat = json!({ "targetId": target["targetId"], "flatten": true });
        let session = self.call("Target.attachToTarget", &flat)?;
        self.session = session["sessionId"]
            .as_str()
            .context("a session has a name")?
            .to_owned();
        for domain in ["Page", "Runtime", "Network", "Log"] {
            self.call(&format!("{domain}.enable"), &json!({}))?;
        }
        self.call(
            "Emulation.setScriptExecutionDisabled",
            &json!({ "value": true }),
        )?;
        Ok(())
    }

    fn open(&mut self, page: &Path, width: u32, scheme: &str) -> Result<Seen> {
        let window =
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", &window)?;
        let scheme = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", &scheme)?;
        self.events.clear();
        self.call(
            "Page.navigate",
            &json!({ "url": format!("file://{}", page.display()) }),
        )?;
        while !self
            .events
            .iter()
            .any(|event| event["method"] == "Page.loadEventFired")
        {
            let event = self.receive()?;
            self.events.push(event);
        }
        let asked = json!({ "expression": LAYOUT, "returnByValue": true });
        let answer = self.call("Runtime.evaluate", &asked)?;
        let layout = answer["result"]["value"].clone();
        ensure!(layout.is_object(), "failed to ask the page: {answer}");
        let shot = self.call(
            "Page.captureScreenshot",
            &json!({ "captureBeyondViewport": true }),
        )?;
        Ok(Seen {
            drawings: layout["drawings"].as_u64().unwrap_or_default(),
            requests: self.told("Network.requestWillBeSent", "/request/url"),
            complaints: [
                self.told("Log.entryAdded", "/entry"),
                self.told("Runtime.consoleAPICalled", ""),
                self.told("Runtime.exceptionThrown", ""),
            ]
            .concat(),
            shot: shot["data"]
                .as_str()
                .context("a picture is base64")?
                .to_owned(),
            layout,
        })
    }

    /// What events of a kind said since the page was opened.
    fn told(&self, method: &str, pointer: &str) -> Vec<String> {
        let events = self.events.iter().filter(|event| event["method"] == method);
        let said = events.filter_map(|event| event["params"].pointer(pointer));
        said.map(|said| {
            said.as_str()
                .map_or_else(|| said.to_string(), str::to_owned)
        })
        .collect()
    }

    fn call(&mut self, method: &str, parameters: &Value) -> Result<Value> {
        self.calls += 1;
        let mut call = json!({ "id": self.calls, "method": method, "params": parameters });
        if !self.session.is_empty() {
            call["sessionId"] = json!(self.session);
        }
        let sent = self
            .to
            .write_all(format!("{call}\0").as_bytes())
            .and_then(|()| self.to.flush());
        sent.with_context(|| format!("failed to ask the browser for {method}"))?;
        loop {
            let message = self
                .receive()
                .with_context(|| format!("failed to hear of {method}"))?;
            if message["id"] != self.calls {
                self.events.push(message);
            } else if message["error"].is_null() {
                return Ok(message["result"].clone());
            } else {
                bail!("failed to do {method}: {}", message["error"]);
            }
        }
    }

    fn receive(&mut self) -> Result<Value> {
        let mut message = Vec::new();
        self.from
            .read_until(0, &mut message)
            .context("failed to read from the browser")?;
        ensure!(
            message.pop() == Some(0),
            "the browser has ended, by itself or after {LIMIT_S} s; see {}",
            self.log.display()
        );
        serde_json::from_slice(&message).context("failed to understand the browser")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended by itself, and there is nobody to tell.
        let _ = self.call("Browser.close", &json!({}));
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
