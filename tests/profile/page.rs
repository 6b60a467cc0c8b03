//! The page that `unfold profile --html` writes, in a real browser: it says what it has drawn where (`#drawn`), and the
//! pixels of a screenshot must agree.

use super::{linked, unfold};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use unfold_tests::project::Project;
use unfold_tests::run;
use unfold_tests::tools::{is_installed, unfold_command};

const BROWSER: &str = "chromium";

/// A page of a program that was run with these arguments.
fn page(name: &str, args: &[&str]) -> Option<Project> {
    unfold_command()?;
    let project = linked(name);
    let words = ["profile", "app", "--html", "page.html", "-o", "report", "--"];
    let outcome = unfold(&project, &[&words, args].concat());
    assert_eq!(outcome.stderr_text(), "", "{outcome:?}");
    let text = String::from_utf8(project.read("page.html")).expect("UTF-8");
    assert!(!text.contains("http:") && !text.contains("https:"), "the page needs nothing from elsewhere");
    if !is_installed(BROWSER) {
        eprintln!("skipped: {BROWSER} is not installed, in which the page is looked at");
        return None;
    }
    Some(project)
}

/// What the browser makes of a page: the attributes of the document, what it says it has drawn, and a picture.
struct Seen {
    attributes: String,
    drawn: Value,
    picture: Picture,
}

impl Seen {
    fn attribute(&self, name: &str) -> &str {
        let text = self.attributes.split_once(&format!(" data-{name}=\"")).map(|(_, rest)| rest);
        text.and_then(|rest| rest.split('"').next())
            .unwrap_or_else(|| panic!("no {name} in {}", self.attributes))
    }

    /// The marks of a chart whose colour is known.
    fn marks(&self, chart: &str) -> Vec<&Value> {
        let marks = self.drawn[chart]["marks"]
            .as_array()
            .unwrap_or_else(|| panic!("no marks of {chart}: {}", self.drawn));
        marks.iter().filter(|mark| !mark["colour"].is_null()).collect()
    }

    fn count(&self, chart: &str) -> u64 {
        self.drawn[chart]["count"].as_u64().expect("a number")
    }
}

fn number(value: &Value, field: &str) -> f64 {
    value[field].as_f64().unwrap_or_else(|| panic!("no number `{field}` in {value}"))
}

fn browse(project: &Project, file: &str, hash: &str, (width, height): (u32, u32)) -> Seen {
    let url = format!("file://{}{hash}", project.path(file).display());
    let browser = |more: &str| {
        let mut command = Command::new(BROWSER);
        // Each has a profile of its own, so that they do not wait for each other.
        let own = format!("--user-data-dir={}", project.path("browser").display());
        let size = format!("--window-size={width},{height}");
        let words = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
        ];
        command.args(words).args([
            &own,
            &size,
            "--force-device-scale-factor=1",
            "--virtual-time-budget=5000",
        ]);
        run::run_tool(command.args([more, &url])).unwrap_or_else(|error| panic!("{error}")).stdout_text()
    };
    let dom = browser("--dump-dom");
    let picture = project.path("page.png");
    browser(&format!("--screenshot={}", picture.display()));
    let tag = dom.find("<html").and_then(|start| dom[start..].split('>').next()).unwrap_or_default();
    let drawn = dom.split_once("id=\"drawn\">").and_then(|(_, rest)| rest.split("</script>").next());
    let drawn =
        serde_json::from_str(drawn.unwrap_or_default()).unwrap_or_else(|error| panic!("{error}: {dom}"));
    let seen = Seen { attributes: tag.to_owned(), drawn, picture: Picture::read(&picture) };
    assert_eq!(seen.attribute("status"), "ok", "{hash}");
    let page = &seen.drawn["page"];
    assert!(number(page, "content") <= number(page, "width"), "wider than the window: {page}");
    seen
}

/// The marks are where the page says they are, inside of their chart, in their colour.
fn check_pixels(seen: &Seen, chart: &str) {
    let boundary: Vec<f64> =
        seen.drawn[chart]["box"].as_array().expect("a box").iter().filter_map(Value::as_f64).collect();
    let [left, top, width, height] = boundary[..] else { panic!("{boundary:?}") };
    let marks = seen.marks(chart);
    assert!(!marks.is_empty(), "{chart}");
    let mut right = 0;
    for mark in &marks {
        let (x, y, w, h) = (number(mark, "x"), number(mark, "y"), number(mark, "w"), number(mark, "h"));
        let is_inside = x >= left && y >= top && x + w <= left + width + 0.5 && y + h <= top + height + 0.5;
        assert!(is_inside && w >= 1.0 && h >= 1.0, "{mark} in {boundary:?}");
        let colour = mark["colour"].as_str().expect("a colour");
        let wanted = [1, 3, 5].map(|at| u8::from_str_radix(&colour[at..at + 2], 16).expect("a colour"));
        // Away from edges, which are blended, and from names, which are at the left.
        let found = seen.picture.at(x + w - (w / 4.0).clamp(0.5, 3.0), y + h / 4.0);
        right += usize::from(found.iter().zip(wanted).all(|(found, wanted)| found.abs_diff(wanted) <= 24));
    }
    // In a timeline a later touch may lie over an earlier one.
    let least = if chart == "map" { marks.len() } else { marks.len() * 3 / 4 };
    assert!(right >= least, "{chart}: {right} of {} marks have their colour", marks.len());
}

#[test]
fn the_page_shows_touches_where_it_says() {
    let Some(project) = page("page", &["3", "1", "t", "2", "5"]) else { return };
    for (theme, ground) in [("light", 200..=255), ("dark", 0..=50)] {
        let seen = browse(&project, "page.html", &format!("#theme={theme}"), (1300, 1400));
        check_pixels(&seen, "timeline");
        check_pixels(&seen, "map");
        assert!(seen.picture.at(2.0, 2.0).iter().all(|part| ground.contains(part)), "{theme}");
        assert_eq!(seen.count("timeline"), seen.count("map"), "each touch is one of a page");
        for name in ["f1", "f2", "f3", "f5"] {
            assert!(seen.marks("map").iter().any(|mark| mark["name"] == name), "{name} in {}", seen.drawn);
        }
    }
    // A narrow window.
    let seen = browse(&project, "page.html", "", (520, 1200));
    check_pixels(&seen, "map");
}

#[test]
fn the_page_finds_what_is_searched() {
    let Some(project) = page("page-search", &["3", "1", "2"]) else { return };
    let all = browse(&project, "page.html", "#theme=light", (1300, 1400));
    let seen = browse(&project, "page.html", "#theme=light&search=F1.o", (1300, 1400));
    assert_eq!(seen.attribute("hits"), "1");
    assert_eq!(seen.attribute("rows"), "1");
    for chart in ["timeline", "map"] {
        let found: Vec<&Value> = seen.marks(chart);
        assert!(found.len() == 1 && found[0]["name"] == "f1" && found[0]["found"] == true, "{found:?}");
        let before = all.marks(chart).into_iter().find(|mark| mark["name"] == "f1").expect("it was there");
        assert_ne!(before["colour"], found[0]["colour"]);
        check_pixels(&seen, chart);
    }
    let seen = browse(&project, "page.html", "#search=no_such_thing", (1300, 1400));
    assert_eq!((seen.attribute("hits"), seen.attribute("rows")), ("0", "0"));
}

#[test]
fn the_page_can_be_zoomed_by_its_address_and_by_hand() {
    let Some(project) = page("page-zoom", &["0", "1", "2", "3", "4", "5"]) else { return };
    let profile: Value = {
        let outcome = unfold(&project, &["profile", "app", "--json"]);
        serde_json::from_slice(&outcome.stdout).expect("JSON")
    };
    let touches = profile["touches"].as_array().expect("touches");
    let all = browse(&project, "page.html", "", (1300, 1400));
    let view = &all.drawn["view"];
    let (from, to) = (number(view, "from"), number(view, "to"));
    // Behind the second touch.
    let ends = |touch: &Value| (number(touch, "time_us") + number(touch, "cost_us")) / 1000.0;
    let hash = format!("#from={}&to={to}", ends(&touches[1]) + 0.0001);
    let seen = browse(&project, "page.html", &hash, (1300, 1400));
    assert_eq!(seen.count("timeline") + 2, all.count("timeline"), "{}", seen.drawn);
    assert_eq!(seen.count("map"), all.count("map"));
    check_pixels(&seen, "timeline");
    // Only what lies between two addresses.
    let of = |name: &str| touches.iter().find(|touch| touch["function"] == name).expect("it was called");
    let address = |name: &str| of(name)["address"].as_u64().expect("an address");
    let hash = format!("#low={:#x}&high={:#x}", address("f2"), address("f2") + 8 * 4096);
    let seen = browse(&project, "page.html", &hash, (1300, 1400));
    let marks = seen.marks("map");
    assert!(marks.len() == 1 && marks[0]["name"] == "f2", "{marks:?}");
    assert!(number(marks[0], "w") > number(all.marks("map")[0], "w"), "{marks:?}");
    check_pixels(&seen, "map");

    // The same by wheel and pointer. A browser without a window on a busy machine may end before its next frame.
    let no_frames = "window.requestAnimationFrame = draw => draw();";
    let turned = |name: &str, script: &str| {
        let text = String::from_utf8(project.read("page.html")).expect("UTF-8");
        project.write(name, text.replace("</body>", &format!("<script>{no_frames}{script}</script></body>")));
        browse(&project, name, "", (1300, 1400)).drawn["view"].clone()
    };
    let at = "const at = (id, x, y) => { const b = document.getElementById(id).getBoundingClientRect(); \
              return { clientX: b.left + b.width * x, clientY: b.top + b.height * y, bubbles: true, cancelable: true, pointerId: 1 }; };";
    let wheel = format!(
        "{at} for (const id of ['timeline', 'map']) document.getElementById(id).dispatchEvent(\
         new WheelEvent('wheel', {{ ...at(id, 0.5, 0.4), deltaY: -100 }}));"
    );
    let zoomed = turned("wheel.html", &wheel);
    assert!(number(&zoomed, "to") - number(&zoomed, "from") < to - from, "{zoomed} of {view}");
    assert!(number(&zoomed, "high") - number(&zoomed, "low") < number(view, "high"), "{zoomed} of {view}");
    let drag = format!(
        "{wheel} HTMLElement.prototype.setPointerCapture = () => {{}}; const box = document.getElementById('timeline'); \
         for (const [kind, x] of [['pointerdown', 0.5], ['pointermove', 0.52], ['pointerup', 0.52]]) \
         box.dispatchEvent(new PointerEvent(kind, at('timeline', x, 0.4)));"
    );
    let moved = turned("drag.html", &drag);
    assert!(number(&moved, "from") < number(&zoomed, "from"), "{moved} after {zoomed}");
}

#[test]
fn the_page_of_a_run_without_touches_says_so() {
    let Some(project) = page("page-none", &["1"]) else { return };
    super::link(&project, &["-static"]);
    let outcome = unfold(&project, &["profile", "app", "--html", "page.html", "-o", "report", "--", "1"]);
    assert_eq!(outcome.stderr_text(), "", "{outcome:?}");
    let seen = browse(&project, "page.html", "", (900, 600));
    assert!(seen.attributes.contains("data-empty"), "{}", seen.attributes);
}

/// The pixels of a PNG.
struct Picture {
    width: usize,
    pixels: Vec<u8>,
    channels: usize,
}

impl Picture {
    fn read(path: &Path) -> Self {
        let file = std::fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a picture of usual size")];
        let info = reader.next_frame(&mut pixels).expect("a PNG");
        let channels = info.color_type.samples();
        Self { width: info.width as usize, pixels, channels }
    }

    fn at(&self, x: f64, y: f64) -> [u8; 3] {
        let start = (y as usize * self.width + x as usize) * self.channels;
        self.pixels[start..start + 3].try_into().expect("three bytes")
    }
}
