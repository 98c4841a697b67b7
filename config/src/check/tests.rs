//! Tests of the checks: a table of what is refused, and in which words.

use crate::{Framing, Mount, Placement, Projection, Settings, ViewMode};
use std::collections::BTreeMap;
use std::path::Path;

mod detect;
mod hook;
mod lens_table;
mod outputs;
mod retention;
mod store;
mod stream;
mod zone;

fn load(text: &str) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("nightreel.toml"), text).unwrap();
    let environment = crate::Environment::new(folder.path(), BTreeMap::new()).unwrap();
    crate::load(None, &environment).map(|loaded| loaded.settings).map_err(|error| error.to_string())
}

/// Each text is refused for the one reason named, at the line named.
fn refused(before: &str, cases: &[(&str, usize, &str)]) {
    for (text, line, expected) in cases {
        let error = load(&format!("{before}{text}\n")).unwrap_err();
        let expected = format!("the settings have a fault\n  nightreel.toml:{line}: {expected}");
        assert!(error.starts_with(&expected), "{text}\n got: {error}\nwant: {expected}");
    }
}

const STORAGE: &str = "[storage]\nroot = '/a'\n";
const CAMERA: &str = "[storage]\nroot = '/a'\n[[camera]]\nid = 'gate'\n";
const FISHEYE: &str =
    "[storage]\nroot = '/a'\n[[camera]]\nid = 'gate'\n[[camera.view]]\nname = 'door'\n[camera.lens]\n";
const VISION: &str = "[storage]\nroot = '/a'\n[vision]\nbase_url = 'http://h/v1'\nmodel = 'm'\n";

#[test]
fn refuses_storage_that_is_not_whole() {
    let error = load("[process]\n").unwrap_err();
    assert_eq!(error, "the settings have a fault\n  `storage.root`: is missing");
    refused(
        "[storage]\n",
        &[
            ("", 1, "`storage.root`: is missing"),
            ("root = ''", 2, "`storage.root`: must not be empty"),
            ("root = '~/video'", 2, "`storage.root`: must be a full path: only a shell"),
            ("root = '/a'\nstate_dir = ''", 3, "`storage.state_dir`: must not be empty"),
            (
                "root = '/a'\nsettle_seconds = 0",
                3,
                "`storage.settle_seconds`: must be from 1 to 3600, but is 0",
            ),
            (
                "root = '/a'\nscan_seconds = 99999999999999999999",
                3,
                "`storage.scan_seconds`: must be from 1 to 86400",
            ),
            (
                "root = '/a'\nname_timezone = 'Europe/Berln'",
                3,
                "`storage.name_timezone`: is no time zone, such as `Europe/Berlin`; did you mean `Europe/Berlin`?",
            ),
        ],
    );
}

#[test]
fn refuses_cameras_that_cannot_be() {
    refused(
        CAMERA,
        &[
            ("[[camera]]\nid = 'gate'", 6, "`camera[1].id`: names another camera already"),
            ("[[camera]]", 5, "`camera[1].id`: is missing"),
            ("[[camera]]\nid = 'a/b'", 6, "`camera[1].id`: `a/b` cannot name a camera"),
            ("segment_seconds = 0", 5, "`camera[0].segment_seconds`: must be from 1 to 3600, but is 0"),
            ("segment_seconds = 3601", 5, "`camera[0].segment_seconds`: must be from 1 to 3600"),
            ("url = ''", 5, "`camera[0].url`: is no URL"),
            ("url = 'rtsp:///path'", 5, "`camera[0].url`: names no host"),
            ("url = 'ftp://h/a'", 5, "`camera[0].url`: must begin with `rtsp://`"),
            ("url = 'srt://h:9000'", 5, "`camera[0].url`: `srt://` is planned"),
            ("url = 'rtsp://h/a?password=x'", 5, "`camera[0].url`: must not carry a password after `?`"),
            ("url = 'rtsp://me:%FF@h/a'", 5, "`camera[0].url`: holds a `%` that is no character"),
            ("username = 'me'", 5, "`camera[0].username`: has no effect without `url`"),
            ("url = 'rtsp://h/a'\nusername = ''", 6, "`camera[0].username`: must not be empty"),
            ("url = 'rtsp://h/a'\npassword = ''", 6, "`camera[0].password`: must not be empty"),
            ("url = 'rtsp://h/a'\npassword_env = ''", 6, "`camera[0].password_env`: must not be empty"),
            (
                "url = 'rtsp://h/a'\npassword = 'x'\npassword_file = 'y'",
                7,
                "`camera[0].password_file`: and `camera[0].password` say the same thing; keep one",
            ),
            (
                "url = 'rtsp://me:x@h/a'\npassword_env = 'P'",
                5,
                "`camera[0].url`: carries a password, and one is given",
            ),
            ("rotate_deg = 90", 5, "`camera[0].rotate_deg`: this is planned"),
            (
                "mount = 'ceilling'",
                5,
                "`camera[0].mount`: must be `ceiling` or `wall` or `floor`; did you mean `ceiling`?",
            ),
        ],
    );
}

#[test]
fn refuses_lenses_and_views_that_do_not_fit() {
    refused(
        CAMERA,
        &[
            ("[camera.lens]", 3, "`camera[0].view`: is missing: a lens needs at least one `[[camera.view]]`"),
            (
                "[[camera.view]]\nname = 'a'",
                5,
                "`camera[0].view[0].mode`: `perspective` needs `[camera.lens]`",
            ),
            (
                "[[camera.view]]\nname = 'a'\nmode = 'quad'",
                7,
                "`camera[0].view[0].mode`: `quad` needs `[camera.lens]`",
            ),
            ("[[camera.view]]\nmode = 'original'", 5, "`camera[0].view[0].name`: is missing"),
            (
                "[[camera.view]]\nname = 'a/b'\nmode = 'original'",
                6,
                "`camera[0].view[0].name`: must be of letters",
            ),
            (
                "[[camera.view]]\nname = 'a'\nmode = 'original'\nyaw_deg = 3",
                8,
                "`camera[0].view[0].yaw_deg`: has no effect in an `original` view",
            ),
        ],
    );
}

#[test]
fn refuses_lenses_and_views_out_of_range() {
    refused(
        FISHEYE,
        &[
            (
                "projection = 'equidistand'",
                8,
                "`camera[0].lens.projection`: must be `equidistant` or `equisolid` or `orthographic` or `stereographic` or \
                 `kannala_brandt` or `table`; did you mean `equidistant`?",
            ),
            ("fov_deg = 0", 8, "`camera[0].lens.fov_deg`: must be from 1 to 360, but is 0"),
            ("fov_deg = nan", 8, "`camera[0].lens.fov_deg`: must be from 1 to 360, but is NaN"),
            ("center = [0.5]", 8, "`camera[0].lens.center`: must be `[x, y]`"),
            ("radius = 0.0", 8, "`camera[0].lens.radius`: must be from 0.01 to 2"),
            ("k = [0, 0, 0, 0]", 8, "`camera[0].lens.k`: has an effect only with"),
            ("projection = 'kannala_brandt'", 7, "`camera[0].lens.k`: must be `[k1, k2, k3, k4]`"),
            (
                "projection = 'kannala_brandt'\nk = [1, 2]",
                9,
                "`camera[0].lens.k`: must be `[k1, k2, k3, k4]`",
            ),
            (
                "projection = 'kannala_brandt'\nk = [-0.3, 0, 0, 0]",
                9,
                "`camera[0].lens.k`: makes the picture fold back 61 degrees off the axis",
            ),
            (
                "[[camera.view]]\nname = 'door'",
                9,
                "`camera[0].view[1].name`: names another view of this camera already",
            ),
            (
                "[[camera.view]]\nname = 'b'\nhfov_deg = 151",
                10,
                "`camera[0].view[1].hfov_deg`: must be from 1 to 150",
            ),
            (
                "[[camera.view]]\nname = 'b'\npitch_deg = 181",
                10,
                "`camera[0].view[1].pitch_deg`: must be from -180 to 180",
            ),
            (
                "[[camera.view]]\nname = 'b'\nsize = [1280, 721]",
                10,
                "`camera[0].view[1].size`: must be `[width, height]`",
            ),
            (
                "[[camera.view]]\nname = 'b'\nsize = [0, 720]",
                10,
                "`camera[0].view[1].size`: must be `[width, height]`",
            ),
        ],
    );
}

#[test]
fn refuses_lenses_that_cannot_be() {
    let together = "is missing: `fx`, `fy`, `cx`, `cy` and `calibration_size` go together";
    let calibrated = "projection = 'kannala_brandt'\nk = [0, 0, 0, 0]\nfx = 600\nfy = 600\ncx = 960\n\
                      calibration_size = [1920, 1080]";
    refused(
        FISHEYE,
        &[
            (
                "projection = 'orthographic'\nfov_deg = 181",
                9,
                "`camera[0].lens.fov_deg`: must be at most 180 with `projection = \"orthographic\"`",
            ),
            (
                "projection = 'stereographic'\nfov_deg = 350",
                9,
                "`camera[0].lens.fov_deg`: must be at most 340 with `projection = \"stereographic\"`",
            ),
            (
                "projection = 'equisolid'\nk = [0, 0, 0, 0]",
                9,
                "`camera[0].lens.k`: has an effect only with `projection = \"kannala_brandt\"`",
            ),
            (calibrated, 7, &format!("`camera[0].lens.cy`: {together}")),
            (
                &format!("{calibrated}\ncy = 1081"),
                14,
                "`camera[0].lens.cy`: must be from 0 to 1080, but is 1081",
            ),
            (
                &format!("{calibrated}\ncy = 540\nradius = 0.4"),
                15,
                "`camera[0].lens.radius`: has no effect beside a calibration",
            ),
            (
                "fx = 600\nfy = 600\ncx = 960\ncy = 540\ncalibration_size = [1920, 1080]",
                7,
                "`camera[0].lens.projection`: must be `kannala_brandt` where a calibration is given",
            ),
        ],
    );
}

#[test]
fn refuses_views_that_go_around_where_there_is_no_around() {
    let view = |keys: &str| format!("mount = 'wall'\n[camera.lens]\n[[camera.view]]\nname = 'a'\n{keys}");
    let needs = "goes around the lens's axis: it needs `mount = \"ceiling\"` or `\"floor\"`";
    refused(
        CAMERA,
        &[
            (&view("mode = 'quad'"), 9, &format!("`camera[0].view[0].mode`: `quad` {needs}")),
            (&view("mode = 'panorama_360'"), 9, &format!("`camera[0].view[0].mode`: `panorama_360` {needs}")),
            (
                &view("mode = 'panorama_180'\nhfov_deg = 120"),
                10,
                "`camera[0].view[0].hfov_deg`: has no effect in a panorama",
            ),
        ],
    );
    refused(
        FISHEYE,
        &[(
            "[[camera.view]]\nname = 'b'\nmode = 'quad'\nsize = [1282, 720]",
            11,
            "`camera[0].view[1].size`: must be `[width, height]`, multiples of 4 from 16 to 8192",
        )],
    );
}

#[test]
fn refuses_archives_that_make_no_sense() {
    refused(
        STORAGE,
        &[
            ("[archive]", 3, "`archive.url`: is missing"),
            (
                "[archive]\nurl = 'ftp://b'",
                4,
                "`archive.url`: must begin with `s3://`, `gs://`, `az://` or `file://`",
            ),
            ("[archive]\nurl = 'file:///'", 4, "`archive.url`: must name a folder"),
            ("[archive]\nurl = 's3://k:s@b'", 4, "`archive.url`: must not carry credentials"),
            (
                "[archive]\nurl = 'file:///mnt/cold'\nregion = 'x'",
                5,
                "`archive.region`: has no effect for a folder",
            ),
            (
                "[archive]\nurl = 's3://b'\nendpoint = 'http://h:1'",
                5,
                "`archive.endpoint`: has no TLS: set `allow_http = true`",
            ),
            (
                "[archive]\nurl = 's3://b'\nstorage_class = 'GLACIER'\nread_back = true",
                6,
                "`archive.read_back`: cannot be: what is in this class must be thawed first",
            ),
            (
                "[archive]\nurl = 's3://b'\n[[archive.price]]\nclass = 'STANDARD'\nusd_per_gb_month = 0.023",
                5,
                "`archive.price[0].usd_per_1000_puts`: is missing",
            ),
        ],
    );
}

#[test]
fn archives_are_sealed_for_public_keys_that_seal_something() {
    let archive = |recipient: &str| format!("[archive]\nurl = 's3://b'\nrecipients = ['{recipient}']");
    let secret = "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0S";
    let cases = [
        ("", "must hold public keys that begin with `age1`"),
        ("ssh-ed25519 AAAA", "must hold public keys that begin with `age1`"),
        // Its last letter is another, and it is too short.
        (
            "age1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0savhh7n",
            "must hold public keys that begin with `age1`",
        ),
        (
            "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqar9jk6",
            "must hold public keys that begin with `age1`",
        ),
        (secret, "holds a secret key"),
        ("age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z", "seals nothing"),
        ("age1qyqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqj7vrya", "seals nothing"),
        ("age1anlllllllllllllllllllllllllllllllllllllllllllllllals4n2t7m", "seals nothing"),
        ("age1ahlllllllllllllllllllllllllllllllllllllllllllllllalsn46ayy", "seals nothing"),
        ("age1amlllllllllllllllllllllllllllllllllllllllllllllllalselrwrv", "seals nothing"),
        ("age1ur4h5lpmgxu2u9jku0a0r87ydtdqnr0tnsetrlvxvgz3vh6fhqqqzyt4v9", "seals nothing"),
        ("age1t7wft09r2zxzfvwsk92eeql0tvzyghxytqwgapkcyf8dm5ylz9ts6wm9s8", "seals nothing"),
    ];
    for (recipient, why) in cases {
        let error = load(&format!("{STORAGE}{}", archive(recipient))).unwrap_err().to_string();
        assert!(error.contains("`archive.recipients`: ") && error.contains(why), "{recipient}: {error}");
        assert!(!error.contains(secret), "it is not repeated: {error}");
    }
    let right = "age1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0savhh7m";
    let settings = load(&format!("{STORAGE}{}\nidentity_file = 'key'\n", archive(right))).unwrap();
    let archive = settings.archive.unwrap();
    assert_eq!(archive.recipients, [right]);
    assert!(archive.identity_file.unwrap().ends_with("key"), "it need not be there");
}

#[test]
fn refuses_processing_detection_and_retention_that_make_no_sense() {
    refused(
        STORAGE,
        &[
            (
                "[process]\nevery_nth_frame = 0",
                4,
                "`process.every_nth_frame`: must be from 1 to 1000000, but is 0",
            ),
            (
                "[process]\nsampling = 'active'",
                4,
                "`process.sampling`: must be `exact` or `activity` or `keyframes`",
            ),
            ("[process]\nworkers = 0", 4, "`process.workers`: must be from 1 to 256"),
            ("[process]\nmax_attempts = -1", 4, "`process.max_attempts`: must be from 1 to 100, but is -1"),
            (
                "[process]\nwindows = ['22-06']",
                4,
                "`process.windows`: `22-06` is not a window: write `HH:MM-HH:MM`",
            ),
            ("[process]\ntimezone = ''", 4, "`process.timezone`: is no time zone"),
            (
                "[detect]\nlabels = ['persn']",
                4,
                "`detect.labels[0]`: the detector knows no `persn`; did you mean `person`?",
            ),
            ("[detect]\nmin_score = 1.1", 4, "`detect.min_score`: must be from 0 to 1, but is 1.1"),
            (
                "[retention]\nafter_processing = 'archive'",
                4,
                "`retention.after_processing`: needs the section `[archive]`",
            ),
            (
                "[retention]\nafter_processing = 'remove'",
                4,
                "`retention.after_processing`: must be `move` or `keep` or `archive` or `delete`",
            ),
            (
                "[retention]\nmax_age_days = 0",
                4,
                "`retention.max_age_days`: must be from 0.001 to 36500, but is 0",
            ),
            (
                "[retention]\nmin_free_gb = -5",
                4,
                "`retention.min_free_gb`: must be from 0.001 to 1000000, but is -5",
            ),
        ],
    );
}

#[test]
fn refuses_a_vision_server_that_cannot_be_asked() {
    refused(
        STORAGE,
        &[
            ("[vision]\nmodel = 'm'", 3, "`vision.base_url`: is missing"),
            (
                "[vision]\nmodel = 'm'\nbase_url = 'localhost:11434'",
                5,
                "`vision.base_url`: must begin with `http://`",
            ),
            ("[vision]\nmodel = 'm'\nbase_url = 'h/v1'", 5, "`vision.base_url`: is no URL"),
            (
                "[vision]\nmodel = 'm'\nbase_url = 'https://k@h/v1'",
                5,
                "`vision.base_url`: must not carry credentials",
            ),
            (
                "[vision]\nmodel = 'm'\nbase_url = 'https://h/v1?key=k'",
                5,
                "`vision.base_url`: must end before",
            ),
        ],
    );
    refused(
        VISION,
        &[
            ("prompt = ' '", 6, "`vision.prompt`: must not be empty"),
            ("detail = 'auto'", 6, "`vision.detail`: must be `low` or `high`"),
            ("max_calls_per_day = 0", 6, "`vision.max_calls_per_day`: must be from 1 to"),
            ("jpeg_quality = 101", 6, "`vision.jpeg_quality`: must be from 1 to 100"),
            (
                "api_key = 'a'\napi_key_env = 'B'",
                7,
                "`vision.api_key_env`: and `vision.api_key` say the same thing",
            ),
            ("max_usd_per_day = 5", 6, "`vision.max_usd_per_day`: needs the price of `"),
            ("max_usd_per_day = 0", 6, "`vision.max_usd_per_day`: must be from"),
            ("max_tokens_per_day = 0", 6, "`vision.max_tokens_per_day`: must be from 1 to"),
            (
                "[[camera]]\nid = 'gate'\n[camera.vision]\nmax_usd_per_day = 1",
                9,
                "`camera[0].vision.max_usd_per_day`: needs the price of `",
            ),
            (
                "[[vision.price]]\nmodel = 'm'\ninput_per_million = 1",
                6,
                "`vision.price[0].output_per_million`: is missing",
            ),
            (
                "[[vision.price]]\nmodel = 'm'\ninput_per_million = 1\noutput_per_million = -1",
                9,
                "`vision.price[0].output_per_million`: must be from 0 to 1000000, but is -1",
            ),
        ],
    );
}

#[test]
fn refuses_texts_and_ways_to_the_vision_server_that_are_wrong() {
    refused(
        VISION,
        &[
            (
                "prompt = 'At {camera}: {label}?'",
                6,
                "`vision.prompt`: there is no variable `{label}`; did you mean `{labels}`",
            ),
            ("system = '{nonsense}'", 6, "`vision.system`: there is no variable `{nonsense}`"),
            (
                "prompt = 'a'\nprompt_file = 'b'",
                7,
                "`vision.prompt_file`: and `vision.prompt` say the same thing",
            ),
            (
                "system_file = '/nowhere/system.txt'",
                6,
                "`vision.system_file`: cannot read `/nowhere/system.txt`",
            ),
            ("answer = 'xml'", 6, "`vision.answer`: must be `json` or `text`"),
            ("frames_per_request = 17", 6, "`vision.frames_per_request`: must be from 1 to 16"),
            ("proxy = 'socks5://me:hunter2@h:1'", 6, "`vision.proxy`: must begin with `http://`"),
            ("proxy = 'hunter2'", 6, "`vision.proxy`: is no URL"),
            ("[[vision.header]]\nvalue = 'x'", 6, "`vision.header[0].name`: is missing"),
            ("[[vision.header]]\nname = 'X-Team'", 6, "`vision.header[0].value`: is missing, as are"),
            (
                "[[vision.header]]\nname = 'X Team'\nvalue = 'x'",
                7,
                "`vision.header[0].name`: is no name of a header",
            ),
            (
                "[[vision.header]]\nname = 'Authorization'\nvalue = 'x'",
                7,
                "`vision.header[0].name`: is set by nightreel",
            ),
            (
                "[[vision.header]]\nname = 'X-Team'\nvalue = 'hünter2'",
                8,
                "`vision.header[0].value`: holds a character",
            ),
        ],
    );
}

#[test]
fn tells_of_faults_of_every_section_at_once() {
    let error = load("[storage]\n[[camera]]\nid = ''\n[process]\nworkers = 0\n[detect]\nmin_score = 2\n[retention]\nmax_age_days = 'x'\n")
        .unwrap_err();
    assert!(error.starts_with("the settings have 5 faults\n"), "{error}");
}

#[test]
fn builds_lenses_and_views_as_described() {
    let text = format!(
        "{FISHEYE}projection = 'kannala_brandt'\nk = [0.1, 0, 0, 0]\n[[camera.view]]\nname = 'whole'\nmode = 'original'\n"
    );
    let camera = load(&text).unwrap().cameras.remove(0);
    let lens = camera.lens.unwrap();
    assert_eq!(lens.projection, Projection::KannalaBrandt { k: [0.1, 0.0, 0.0, 0.0] });
    assert_eq!((lens.mount, lens.fov_deg, lens.placement), (Mount::Ceiling, 180.0, None));
    let straight = Framing { yaw_deg: 0.0, pitch_deg: 0.0, roll_deg: 0.0, hfov_deg: 90.0, size: [1280, 720] };
    assert_eq!(
        camera.views.iter().map(|view| view.mode).collect::<Vec<_>>(),
        [ViewMode::Perspective(straight), ViewMode::Original]
    );
}

#[test]
fn each_mode_of_view_has_its_own_size_and_pitch() {
    let modes = |mount: &str, modes: &[&str]| {
        let views: String =
            modes.iter().map(|mode| format!("[[camera.view]]\nname = '{mode}'\nmode = '{mode}'\n")).collect();
        let text = format!("{CAMERA}mount = '{mount}'\n[camera.lens]\n{views}");
        load(&text).unwrap().cameras.remove(0).views.into_iter().map(|view| view.mode).collect::<Vec<_>>()
    };
    let framing =
        |pitch_deg, hfov_deg, size| Framing { yaw_deg: 0.0, pitch_deg, roll_deg: 0.0, hfov_deg, size };
    assert_eq!(
        modes("floor", &["quad", "panorama_180", "panorama_360"]),
        [
            ViewMode::Quad(framing(55.0, 90.0, [1920, 1080])),
            ViewMode::Panorama(framing(55.0, 180.0, [1920, 720])),
            ViewMode::Panorama(framing(55.0, 360.0, [2560, 480])),
        ]
    );
    assert_eq!(modes("wall", &["panorama_180"]), [ViewMode::Panorama(framing(0.0, 180.0, [1920, 720]))]);
}

#[test]
fn a_lens_lies_where_it_is_said_to_lie_or_is_looked_for() {
    let calibration = "projection = 'kannala_brandt'\nk = [0, 0, 0, 0]\nfx = 600\nfy = 540\ncx = 959.5\ncy = 539.5\n\
         calibration_size = [1920, 1080]";
    let cases = [
        ("", None),
        ("center = [0.4, 0.6]", Some(Placement::Circle { center: [0.4, 0.6], radius: None })),
        ("radius = 0.4", Some(Placement::Circle { center: [0.5, 0.5], radius: Some(0.4) })),
        (calibration, Some(Placement::Calibrated { focal: [600.0 / 1920.0, 0.5], center: [0.5, 0.5] })),
    ];
    for (keys, placement) in cases {
        let camera = load(&format!("{FISHEYE}{keys}\n")).unwrap().cameras.remove(0);
        assert_eq!(camera.lens.unwrap().placement, placement, "{keys}");
    }
}

#[test]
fn takes_credentials_out_of_urls() {
    let settings = load(&format!("{CAMERA}url = 'rtsp://me:p%40ss@h:8554/a?channel=1'\n")).unwrap();
    let source = settings.cameras[0].source.clone().unwrap();
    assert_eq!(source.url.as_str(), "rtsp://h:8554/a?channel=1");
    assert_eq!(source.username.as_deref(), Some("me"));
    assert_eq!(source.password.unwrap().expose(), "p@ss");
}

#[test]
fn means_relative_folders_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("etc");
    std::fs::create_dir(&inner).unwrap();
    std::fs::write(inner.join("n.toml"), "[storage]\nroot = './video'\nstate_dir = 'state'\n").unwrap();
    let environment = crate::Environment::new(folder.path(), BTreeMap::new()).unwrap();
    let storage = crate::load(Some(Path::new("etc/n.toml")), &environment).unwrap().settings.storage;
    assert_eq!((storage.root, storage.state_dir), (inner.join("video"), inner.join("state")));
}
