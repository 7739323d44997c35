//! A double of the Bot API that refuses what the real one refuses, in its words
//! (<https://core.telegram.org/bots/api#making-requests>, and answers of the real one).

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::http::{Reply, Request, Server};

/// The token that it knows.
pub(crate) const TOKEN: &str = "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11";

/// A chat that takes messages.
pub(crate) const CHAT: &str = "-1001234567890";

/// A group that has become the supergroup [`CHAT`].
pub(crate) const OLD_GROUP: &str = "-987654";

/// A person who has blocked the bot.
pub(crate) const BLOCKED: &str = "4242";

/// The one topic of [`CHAT`].
pub(crate) const TOPIC: i64 = 7;

/// The double.
pub(crate) struct BotApi {
    /// The server that it runs on.
    pub(crate) server: Server,
    delivered: Arc<Mutex<Vec<Value>>>,
    flood: Arc<Mutex<Vec<u64>>>,
}

impl BotApi {
    /// One that knows the token and the chats of this file.
    pub(crate) fn start() -> Self {
        let delivered = Arc::new(Mutex::new(Vec::new()));
        let flood = Arc::new(Mutex::new(Vec::new()));
        let (chat, waits) = (Arc::clone(&delivered), Arc::clone(&flood));
        let server = Server::start(move |request| {
            let (status, answer) = answer(request, &mut chat.lock().unwrap(), &mut waits.lock().unwrap());
            Reply::Answer(status, "Content-Type: application/json\r\n", answer.to_string())
        });
        Self { server, delivered, flood }
    }

    /// Refuses the next message as one too many, and asks to wait so many seconds.
    pub(crate) fn flood_next(&self, seconds: u64) {
        self.flood.lock().unwrap().push(seconds);
    }

    /// The messages that are in the chats, as the API shows them.
    pub(crate) fn delivered(&self) -> Vec<Value> {
        self.delivered.lock().unwrap().clone()
    }
}

fn answer(request: &Request, delivered: &mut Vec<Value>, flood: &mut Vec<u64>) -> (u16, Value) {
    let refuse = |code: u16, description: &str| {
        (code, json!({"ok": false, "error_code": code, "description": description}))
    };
    let Some((token, method)) = request.line.strip_prefix("POST /bot").and_then(|rest| rest.split_once('/'))
    else {
        return refuse(404, "Not Found");
    };
    if token.split_once(':').is_none_or(|(bot, _)| bot.parse::<u64>().is_err()) {
        return refuse(404, "Not Found");
    }
    if token != TOKEN {
        return refuse(401, "Unauthorized");
    }
    if method == "getMe" {
        let bot = json!({"id": 123_456, "is_bot": true, "first_name": "MishPulse", "username": "mish_bot"});
        return (200, json!({"ok": true, "result": bot}));
    }
    if !["sendMessage", "getChat"].contains(&method) {
        return refuse(404, "Not Found: method not found");
    }
    let is_json = request.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    let Some(body) =
        serde_json::from_slice::<Value>(&request.body).ok().filter(|body| is_json && body.is_object())
    else {
        return refuse(400, "Bad Request: can't parse request JSON object");
    };
    let chat = match &body["chat_id"] {
        Value::String(chat) => chat.clone(),
        Value::Number(chat) => chat.to_string(),
        _ => String::new(),
    };
    if chat.is_empty() {
        return refuse(400, "Bad Request: chat_id is empty");
    }
    if let Some(seconds) = flood.pop() {
        let (code, mut answer) = refuse(429, &format!("Too Many Requests: retry after {seconds}"));
        answer["parameters"] = json!({"retry_after": seconds});
        return (code, answer);
    }
    if method == "getChat" && chat == CHAT {
        let chat = json!({"id": CHAT.parse::<i64>().unwrap(), "title": "Ops", "type": "supergroup"});
        return (200, json!({"ok": true, "result": chat}));
    }
    match chat.as_str() {
        OLD_GROUP => {
            let (code, mut answer) = refuse(400, "Bad Request: group chat was upgraded to a supergroup chat");
            answer["parameters"] = json!({"migrate_to_chat_id": CHAT.parse::<i64>().unwrap()});
            return (code, answer);
        }
        BLOCKED => return refuse(403, "Forbidden: bot was blocked by the user"),
        CHAT => {}
        _ => return refuse(400, "Bad Request: chat not found"),
    }
    let topic = &body["message_thread_id"];
    if !topic.is_null() && topic.as_i64() != Some(TOPIC) {
        return refuse(400, "Bad Request: message thread not found");
    }
    // Blanks at both ends are dropped, as the real one does.
    let text = body["text"].as_str().unwrap_or_default().trim();
    if text.is_empty() {
        return refuse(400, "Bad Request: message text is empty");
    }
    if text.encode_utf16().count() > 4_096 {
        return refuse(400, "Bad Request: message is too long");
    }
    let mut message = json!({
        "message_id": delivered.len() + 1,
        "from": {"id": 123_456, "is_bot": true, "first_name": "MishPulse"},
        "chat": {"id": CHAT.parse::<i64>().unwrap(), "title": "Ops", "type": "supergroup"},
        "date": 1_760_616_481,
        "text": text,
    });
    if let Some(topic) = topic.as_i64() {
        message["message_thread_id"] = json!(topic);
        message["is_topic_message"] = json!(true);
    }
    delivered.push(message.clone());
    (200, json!({"ok": true, "result": message}))
}
