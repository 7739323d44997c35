//! Each mistake is told with file, line and key, and with what to write instead.

use super::common::{read, refusal};

const TELEGRAM: &str = "[channels.ops]\nkind = \"telegram\"\nbot_token = \"1:a\"\nchat_id = \"-1\"\n";
const EMAIL: &str =
    "[channels.mail]\nkind = \"email\"\nhost = \"localhost\"\nfrom = \"a@b\"\nto = [\"c@d\"]\n";
const WEBHOOK: &str = "[channels.hook]\nkind = \"webhook\"\nurl = \"https://a/b\"\n";

/// A file, and what must be said of it: the beginning, and something further on.
const MISTAKES: &[(&str, &str, &str)] = &[
    // The file as a whole.
    ("\nlisten = \n", "mishpulse.toml:2: listen: is not TOML: ", "quoted"),
    ("[defaults]\ntimeout = 5m\n", "mishpulse.toml:2: timeout: is not TOML: ", ""),
    ("listen = \"a:1\"\nlisten = \"a:1\"\n", "mishpulse.toml:2: listen: is not TOML: duplicate key", ""),
    ("[defaults\n", "mishpulse.toml:1: is not TOML: ", ""),
    // Unknown keys.
    ("\n\nlisen = 1\n", "mishpulse.toml:3: lisen: is not known", "did you mean listen?"),
    ("timeout = \"5m\"\n", "mishpulse.toml:1: timeout: is not known here", "[defaults]"),
    ("[defaults]\ntimeuot = \"5m\"\n", "mishpulse.toml:2: defaults.timeuot: is not known", "timeout"),
    (
        "[defaults]\nlisten = \"a:1\"\n",
        "mishpulse.toml:2: defaults.listen: is not known here",
        "top of the file",
    ),
    ("colour = 1\n", "mishpulse.toml:1: colour: is not known; the keys here are listen, ", ""),
    ("\"a\\nb\" = 1\n", "mishpulse.toml:1: \"a\\nb\": is not known", ""),
    (
        "[[services]]\nname = \"a\"\nchanels = []\n",
        "mishpulse.toml:3: services.a.chanels: is not known",
        "channels",
    ),
    ("[limits]\nbodybytes = 1\n", "mishpulse.toml:2: limits.bodybytes: ", "body_bytes"),
    ("[keys.a]\nkey = \"k\"\nacess = \"read\"\n", "mishpulse.toml:3: keys.a.acess: ", "access"),
    ("[templates]\ndaed = \"x\"\n", "mishpulse.toml:2: templates.daed: ", "dead"),
    // Wrong types.
    ("listen = 8080\n", "mishpulse.toml:1: listen: must be a text in quotes, not a whole number", ""),
    (
        "history_days = \"90\"\n",
        "mishpulse.toml:1: history_days: must be a whole number without quotes",
        "text",
    ),
    ("history_days = 1.5\n", "mishpulse.toml:1: history_days: must be a whole number", "decimal"),
    ("check_every = 1\n", "mishpulse.toml:1: check_every: must be a duration in quotes", "\"90s\""),
    ("check_every = 1979-05-27\n", "mishpulse.toml:1: check_every: must be a text in quotes, not a date", ""),
    ("defaults = 1\n", "mishpulse.toml:1: defaults: must be a table; write [defaults]", ""),
    ("channels = [\"ops\"]\n", "mishpulse.toml:1: channels: must be a table; write [channels]", ""),
    ("[channels]\nops = 1\n", "mishpulse.toml:2: channels.ops: must be a table; write [channels.ops]", ""),
    ("[services]\nname = \"a\"\n", "mishpulse.toml:1: services: must be tables; write [[services]]", ""),
    ("services = [1]\n", "mishpulse.toml:1: services[0]: must be a table, written [[services]]", ""),
    ("[defaults]\ntags = \"prod\"\n", "mishpulse.toml:2: defaults.tags: must be a list in brackets", ""),
    (
        "[defaults]\ntags = [\n\"a\",\n2]\n",
        "mishpulse.toml:4: defaults.tags[1]: must be a text in quotes",
        "",
    ),
    (
        "[defaults]\nresume_on_beat = \"no\"\n",
        "mishpulse.toml:2: defaults.resume_on_beat: must be true or false",
        "",
    ),
    // Wrong values of the server.
    ("listen = \"8080\"\n", "mishpulse.toml:1: listen: must be host:port", "127.0.0.1:8080"),
    ("data_dir = \"\"\n", "mishpulse.toml:1: data_dir: is empty", ""),
    ("data_dir = \"a\\u0000b\"\n", "mishpulse.toml:1: data_dir: holds a NUL", ""),
    (
        "public_url = \"example.org\"\n",
        "mishpulse.toml:1: public_url: must be a URL that begins with http",
        "",
    ),
    (
        "public_url = \"https://a/?b\"\n",
        "mishpulse.toml:1: public_url: must be a URL without a part from ?",
        "",
    ),
    ("locale = \"de\"\n", "mishpulse.toml:1: locale: is not known; write \"en\" or \"ru\"", ""),
    ("check_every = \"5\"\n", "mishpulse.toml:1: check_every: a duration needs a unit", ""),
    (
        "check_every = \"1ms\"\n",
        "mishpulse.toml:1: check_every: must be a duration from \"10ms\" to \"1m\"",
        "",
    ),
    ("blind_after = \"2h\"\n", "mishpulse.toml:1: blind_after: must be a duration from \"1s\" to \"1h\"", ""),
    (
        "durability = \"full\"\n",
        "mishpulse.toml:1: durability: is not known; write \"process\" or \"power\"",
        "",
    ),
    (
        "status_access = \"no\"\n",
        "mishpulse.toml:1: status_access: is not known; write \"public\" or \"key\"",
        "",
    ),
    (
        "admin_key = \"a b\"\n",
        "mishpulse.toml:1: admin_key: must be at most 256 letters",
        "openssl rand -hex 32",
    ),
    ("admin_key = \"\"\n", "mishpulse.toml:1: admin_key: is empty", ""),
    ("admin_key = \"${NO_KEY}\"\n", "mishpulse.toml:1: admin_key: the variable NO_KEY is not set", "$${"),
    ("admin_key = \"${NO\"\n", "mishpulse.toml:1: admin_key: `${` begins a variable", "$${"),
    ("history_days = 0\n", "mishpulse.toml:1: history_days: must be a whole number from 1 to 3650", ""),
    ("history_days = 3651\n", "mishpulse.toml:1: history_days: must be a whole number from 1 to 3650", ""),
    ("history_days = 99999999999999999999\n", "mishpulse.toml:1: history_days: must be a whole number", ""),
    ("delivery_expires = \"0s\"\n", "mishpulse.toml:1: delivery_expires: must be a duration from", ""),
    ("log_format = \"xml\"\n", "mishpulse.toml:1: log_format: is not known; write \"text\" or \"json\"", ""),
    ("log_level = \"all\"\n", "mishpulse.toml:1: log_level: is not known; write \"error\" or", ""),
    ("[self_heartbeat]\nevery = \"5s\"\n", "mishpulse.toml:1: self_heartbeat.url: is missing", "url = "),
    (
        "[limits]\nheaders = 0\n",
        "mishpulse.toml:2: limits.headers: must be a whole number from 8 to 1024",
        "",
    ),
    ("[templates]\ndead = \"\"\n", "mishpulse.toml:2: templates.dead: is empty", ""),
    ("[keys.a]\n", "mishpulse.toml:1: keys.a.key: is missing", ""),
    ("[keys.admin]\nkey = \"k\"\n", "mishpulse.toml:1: keys.admin: a key's name is", "admin"),
    (
        "[keys.a]\nkey = \"k\"\naccess = \"write\"\n",
        "mishpulse.toml:3: keys.a.access: is not known; write \"read\"",
        "",
    ),
    (
        "admin_key = \"k\"\n[keys.a]\nkey = \"k\"\n",
        "mishpulse.toml:3: keys.a.key: is the same as another key",
        "",
    ),
    // Services and their defaults.
    ("[defaults]\ntimeout = \"0s\"\n", "mishpulse.toml:2: defaults.timeout: a timeout is at least 100ms", ""),
    ("[defaults]\nremind_every = \"1ms\"\n", "mishpulse.toml:2: defaults.remind_every: reminders are", ""),
    (
        "[defaults]\nnotify_on = [\"dead\", \"reminder\"]\n",
        "mishpulse.toml:2: defaults.notify_on[1]: ",
        "remind_every",
    ),
    (
        "[defaults]\nnotify_on = [\"died\"]\n",
        "mishpulse.toml:2: defaults.notify_on[0]: is not known; write \"dead\"",
        "",
    ),
    ("[defaults]\ntags = [\"a\", \"a\"]\n", "mishpulse.toml:2: defaults.tags[1]: stands here twice", ""),
    ("[defaults]\ntags = [\"a,b\"]\n", "mishpulse.toml:2: defaults.tags[0]: a tag is", ""),
    (
        "[defaults]\nchannels = [\"ops\"]\n",
        "mishpulse.toml:2: defaults.channels[0]: is no channel: there is none",
        "",
    ),
    ("[[services]]\ntoken = \"a\"\n", "mishpulse.toml:1: services[0].name: is missing; write name = ", ""),
    ("[[services]]\nname = \"a/b\"\n", "mishpulse.toml:2: services.\"a/b\".name: a name is 1 to 128", ""),
    ("[[services]]\nname = \"a\"\ntoken = \"a b\"\n", "mishpulse.toml:3: services.a.token: a token is", ""),
    (
        "[[services]]\nname = \"a\"\ntimeout = \"1year\"\n",
        "mishpulse.toml:3: services.a.timeout: the units",
        "",
    ),
    (
        "[[services]]\nname = \"a\"\ntimeout = \"1ms\"\n",
        "mishpulse.toml:3: services.a.timeout: a timeout is",
        "",
    ),
    (
        "[[services]]\nname = \"a\"\n[[services]]\nname = \"a\"\n",
        "mishpulse.toml:4: services.a.name: is taken",
        "line 2",
    ),
    (
        "[[services]]\nname = \"a\"\ntoken = \"t\"\n[[services]]\nname = \"b\"\ntoken = \"t\"\n",
        "mishpulse.toml:6: services.b.token: is taken by the service on line 3",
        "",
    ),
    (
        "[limits]\nservices = 1\n[[services]]\nname = \"a\"\n[[services]]\nname = \"b\"\n",
        "mishpulse.toml:5: services.b: is one too many",
        "limits.services",
    ),
    // Channels.
    ("[channels.ops]\n", "mishpulse.toml:1: channels.ops.kind: is missing; write kind = \"telegram\"", ""),
    (
        "[channels.ops]\nkind = \"sms\"\n",
        "mishpulse.toml:2: channels.ops.kind: is not known; write \"tel",
        "",
    ),
    (
        "[channels.\"a b\"]\nkind = \"webhook\"\nurl = \"http://a\"\n",
        "mishpulse.toml:1: channels.\"a b\": a channel's name is",
        "",
    ),
];

/// A channel, what is added to it or changed in it, and what must be said of that.
const CHANNEL_MISTAKES: &[(&str, &str, &str, &str)] = &[
    (TELEGRAM, "url = \"http://a\"", "mishpulse.toml:5: channels.ops.url: is not known here", "webhook"),
    (TELEGRAM, "bot_token = \"x\"", "mishpulse.toml:5: channels.ops.bot_token: must be a bot's token", ""),
    (TELEGRAM, "bot_token = \"1:a/../b\"", "mishpulse.toml:5: channels.ops.bot_token: must be", ""),
    (TELEGRAM, "chat_id = \"ops\"", "mishpulse.toml:5: channels.ops.chat_id: must be a chat's number", "@"),
    (TELEGRAM, "chat_id = 0x10", "mishpulse.toml:5: channels.ops.chat_id: must be", ""),
    (
        TELEGRAM,
        "message_thread_id = 0",
        "mishpulse.toml:5: channels.ops.message_thread_id: must be a whole",
        "",
    ),
    (
        TELEGRAM,
        "api_url = \"http://u:p@a\"",
        "mishpulse.toml:5: channels.ops.api_url: must be a URL without user",
        "",
    ),
    (EMAIL, "host = \"a b\"", "mishpulse.toml:6: channels.mail.host: must be a host name", ""),
    (
        EMAIL,
        "port = 65536",
        "mishpulse.toml:6: channels.mail.port: must be a whole number from 1 to 65535",
        "",
    ),
    (
        EMAIL,
        "security = \"ssl\"",
        "mishpulse.toml:6: channels.mail.security: is not known; write \"starttls\"",
        "",
    ),
    (EMAIL, "username = \"u\"", "mishpulse.toml:1: channels.mail.password: is missing", "leave username out"),
    (EMAIL, "password = \"p\"", "mishpulse.toml:1: channels.mail.username: is missing", "leave password out"),
    (
        EMAIL,
        "from = \"a@b\\r\\nRCPT TO:<c@d>\"",
        "mishpulse.toml:6: channels.mail.from: must have a name",
        "",
    ),
    (EMAIL, "from = \"nobody\"", "mishpulse.toml:6: channels.mail.from: must be a mail address", ""),
    (EMAIL, "to = []", "mishpulse.toml:6: channels.mail.to: is empty", "to = ["),
    (EMAIL, "to = \"c@d\"", "mishpulse.toml:6: channels.mail.to: must be a list", ""),
    (EMAIL, "to = [\"c@d\", \"e>\\r\\nRCPT TO:<f@g\"]", "mishpulse.toml:6: channels.mail.to[1]: must", ""),
    (
        EMAIL,
        "ca_file = \"no-such.pem\"",
        "mishpulse.toml:6: channels.mail.ca_file: names a file that cannot",
        "",
    ),
    (WEBHOOK, "url = \"a\"", "mishpulse.toml:4: channels.hook.url: must be a URL that begins with http", ""),
    (
        WEBHOOK,
        "url = \"http://u:p@a/\"",
        "mishpulse.toml:4: channels.hook.url: must be a URL without user",
        "header",
    ),
    (
        WEBHOOK,
        "secret = \"abc\"",
        "mishpulse.toml:4: channels.hook.secret: must begin with whsec_",
        "openssl",
    ),
    (
        WEBHOOK,
        "secret = \"whsec_QUJD\"",
        "mishpulse.toml:4: channels.hook.secret: must be 24 to 64 bytes",
        "",
    ),
    (WEBHOOK, "headers = \"X: y\"", "mishpulse.toml:4: channels.hook.headers: must be a table", ""),
    (
        WEBHOOK,
        "headers = { Host = \"a\" }",
        "mishpulse.toml:4: channels.hook.headers.Host: is set by the server",
        "",
    ),
    (
        WEBHOOK,
        "headers = { \"a b\" = \"c\" }",
        "mishpulse.toml:4: channels.hook.headers.\"a b\": must be the name",
        "",
    ),
    (
        WEBHOOK,
        "headers = { a = \"b\\r\\nc\" }",
        "mishpulse.toml:4: channels.hook.headers.a: must be visible",
        "",
    ),
    (
        WEBHOOK,
        "headers = { a = \"b\", A = \"c\" }",
        "mishpulse.toml:4: channels.hook.headers.a: stands here twice",
        "",
    ),
    (
        WEBHOOK,
        "allow_private = 1",
        "mishpulse.toml:4: channels.hook.allow_private: must be true or false",
        "",
    ),
];

#[test]
fn every_mistake_has_file_line_and_key() {
    for (text, start, also) in MISTAKES {
        let refusal = refusal(text);
        assert!(refusal.starts_with(start), "{text}\n{refusal}\nshould start with\n{start}");
        assert!(refusal.contains(also), "{text}\n{refusal}\nshould contain\n{also}");
        assert_eq!(refusal.lines().count(), 1, "{text}\n{refusal}");
    }
}

#[test]
fn every_mistake_in_a_channel_has_file_line_and_key() {
    for (channel, change, start, also) in CHANNEL_MISTAKES {
        let key = change.split_once(" =").unwrap().0;
        // A blank line for the key that is changed keeps the numbers of the lines.
        let kept = channel.lines().map(|line| if line.starts_with(&format!("{key} =")) { "" } else { line });
        let text = kept.chain([*change, ""]).collect::<Vec<_>>().join("\n");
        let refusal = refusal(&text);
        assert!(refusal.starts_with(start), "{text}\n{refusal}\nshould start with\n{start}");
        assert!(refusal.contains(also), "{text}\n{refusal}\nshould contain\n{also}");
        assert_eq!(refusal.lines().count(), 1, "{text}\n{refusal}");
    }
}

#[test]
fn what_a_channel_needs_is_asked_for() {
    for (channel, needed) in
        [(TELEGRAM, &["bot_token", "chat_id"][..]), (EMAIL, &["host", "from", "to"]), (WEBHOOK, &["url"])]
    {
        for key in needed {
            let text: Vec<_> = channel.lines().filter(|line| !line.starts_with(key)).collect();
            let name = &channel[1..channel.find(']').unwrap()];
            let refusal = refusal(&text.join("\n"));
            let start = format!("mishpulse.toml:1: {name}.{key}: is missing; write {key} = ");
            assert!(refusal.starts_with(&start), "{refusal}\nshould start with\n{start}");
        }
    }
}

#[test]
fn a_login_cannot_end_its_command() {
    let login = "username = \"u\"\npassword = \"p\\r\\nRSET\"\n";
    let start = "mishpulse.toml:7: channels.mail.password: must be at most 512 bytes without line breaks";
    assert!(refusal(&format!("{EMAIL}{login}")).starts_with(start));
}

#[test]
fn a_password_is_not_sent_in_the_clear() {
    let login = "security = \"none\"\nusername = \"u\"\npassword = \"p\"\n";
    for host in ["localhost", "127.0.0.1", "::1"] {
        assert!(read(&format!("{}{login}", EMAIL.replace("localhost", host)), &[]).is_ok(), "{host}");
    }
    for host in ["smtp.example.org", "10.0.0.1", "localhost.example.org"] {
        let refusal = refusal(&format!("{}{login}", EMAIL.replace("localhost", host)));
        let start = "mishpulse.toml:6: channels.mail.security: must not be \"none\" with a username";
        assert!(refusal.starts_with(start), "{refusal}");
    }
}

#[test]
fn channels_that_services_name_must_exist() {
    let text = format!("{TELEGRAM}[[services]]\nname = \"a\"\nchannels = [\"ops\", \"opps\"]\n");
    assert_eq!(refusal(&text), "mishpulse.toml:7: services.a.channels[1]: is no channel; did you mean ops?");
    let text = format!("{TELEGRAM}{WEBHOOK}[defaults]\nchannels = [\"everyone\"]\n");
    assert_eq!(refusal(&text), "mishpulse.toml:9: defaults.channels[0]: is no channel; there are hook, ops");
}

#[test]
fn a_channel_that_is_wrong_itself_is_not_missed_as_well() {
    let text = "[channels.ops]\nkind = \"sms\"\n[defaults]\nchannels = [\"ops\"]\n";
    assert_eq!(refusal(text).lines().count(), 1);
}

#[test]
fn mistakes_are_told_together_in_the_order_of_the_file() {
    let text = "[limits]\nbatch = 0\n[defaults]\ntimeout = 5\n[channels.ops]\nkind = \"sms\"\n";
    let refusal = refusal(text);
    let keys: Vec<_> = refusal.lines().map(|line| line.split(": ").nth(1).unwrap()).collect();
    assert_eq!(keys, ["limits.batch", "defaults.timeout", "channels.ops.kind"]);
}

#[test]
fn mistakes_in_variables_and_flags_name_them() {
    let refusal = read("listen = \"a:1\"\n", &[("MISHPULSE_LISTEN", "8080")]).unwrap_err().to_string();
    assert!(refusal.starts_with("$MISHPULSE_LISTEN: listen: must be host:port"), "{refusal}");
    let refusal = read("", &[("MISHPULSE_LIMITS_BATCH", "many")]).unwrap_err().to_string();
    assert!(
        refusal.starts_with("$MISHPULSE_LIMITS_BATCH: limits.batch: must be a whole number"),
        "{refusal}"
    );
}

#[test]
fn a_mistake_found_later_has_its_place() {
    let loaded = read("[templates]\n\ndead = \"{{ nope }}\"\n", &[]).unwrap();
    let error = loaded.mistake("templates.dead", "there is no nope");
    assert_eq!(error.to_string(), "mishpulse.toml:3: templates.dead: there is no nope");
}
