//! The description of the API, and whether a real answer is as it says.

use mishpulse_server::manage::OPENAPI;
use serde_json::Value;

/// An OpenAPI document.
pub struct Document(Value);

pub const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

impl Document {
    pub fn new() -> Self {
        Self(serde_json::from_str(OPENAPI).unwrap())
    }

    pub fn json(&self) -> &Value {
        &self.0
    }

    /// Every operation: its method in capitals, its path, and what is said of it.
    pub fn operations(&self) -> impl Iterator<Item = (String, &str, &Value)> {
        let paths = self.0["paths"].as_object().unwrap().iter();
        paths.flat_map(|(path, item)| {
            let methods =
                METHODS.iter().filter_map(|method| Some((method.to_uppercase(), item.get(method)?)));
            methods.map(|(method, operation)| (method, path.as_str(), operation))
        })
    }

    /// What stands where `value` points, if it is a reference.
    pub fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(target) => {
                let pointer = target.strip_prefix('#').unwrap();
                self.0.pointer(pointer).unwrap_or_else(|| panic!("{target} is nowhere"))
            }
            None => value,
        }
    }

    /// Fails where an answer of `method` at `path` is not as the document says.
    pub fn check(&self, method: &str, path: &str, answer: &super::super::harness::Answer) {
        let at = format!("{method} {path} -> {}", answer.status);
        let operation = &self.0["paths"][path][method.to_lowercase()];
        assert!(operation.is_object(), "{at}: no such operation");
        let response = &operation["responses"][answer.status.to_string()];
        assert!(response.is_object(), "{at}: this status is not described: {}", answer.body);
        let response = self.resolved(response);
        for (header, _) in response["headers"].as_object().into_iter().flatten() {
            assert!(header == "Link" || answer.header(header).is_some(), "{at}: without {header}");
        }
        let Some(content) = response.get("content") else {
            assert_eq!(answer.body, "", "{at}: no body is described");
            return;
        };
        let media = answer.header("content-type").unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default();
        let described = content.get(media).unwrap_or_else(|| panic!("{at}: {media} is not described"));
        if media.ends_with("json") {
            let validated = self.validate(&answer.json(), &described["schema"], "");
            assert_eq!(validated, Ok(()), "{at}: {}", answer.body);
        }
    }

    /// Whether `value` is what `schema` says. Knows as much of JSON Schema as the document uses for answers.
    fn validate(&self, value: &Value, schema: &Value, at: &str) -> Result<(), String> {
        if schema.get("$ref").is_some() {
            // What stands beside a reference only describes it.
            return self.validate(value, self.resolved(schema), at);
        }
        if let Some(any) = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array) {
            let is_one = any.iter().any(|schema| self.validate(value, schema, at).is_ok());
            return ensure(is_one, || format!("{at}: {value} is none of {any:?}"));
        }
        if let Some(one) = schema.get("const") {
            ensure(value == one, || format!("{at}: {value} is not {one}"))?;
        }
        if let Some(all) = schema.get("enum").and_then(Value::as_array) {
            ensure(all.contains(value), || format!("{at}: {value} is none of {all:?}"))?;
        }
        let types: Vec<&str> = match schema.get("type") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            Some(name) => name.as_str().into_iter().collect(),
            None => Vec::new(),
        };
        let is_right = types.is_empty() || types.iter().any(|name| is_type(value, name));
        ensure(is_right, || format!("{at}: {value} is none of {types:?}"))?;
        for (index, element) in value.as_array().into_iter().flatten().enumerate() {
            if let Some(items) = schema.get("items") {
                self.validate(element, items, &format!("{at}[{index}]"))?;
            }
        }
        let Some(fields) = value.as_object() else { return Ok(()) };
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            ensure(fields.contains_key(name), || format!("{at}: without {name}"))?;
        }
        for (name, field) in fields {
            match schema["properties"].get(name) {
                Some(schema) => self.validate(field, schema, &format!("{at}.{name}"))?,
                None => ensure(schema["additionalProperties"] != false, || format!("{at}: {name} is new"))?,
            }
        }
        Ok(())
    }
}

fn ensure(is_so: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(otherwise()) }
}

fn is_type(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type that this knows"),
    }
}
