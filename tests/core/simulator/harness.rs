//! Calls to the in-process simulator.

use acc_assets::error::TransportError;
use acc_assets::http::send::{Method, Request, Response, Transport};
use acc_assets::simulator::{Options, Simulator};
use serde_json::{Value, json};

pub struct Service {
    pub simulator: Simulator,
    pub project: String,
    catalogue: Value,
}

impl Service {
    pub fn new(options: Options) -> Self {
        let simulator = Simulator::new(options).expect("the options are valid");
        Self {
            project: simulator.project_id(),
            catalogue: simulator.world_json(),
            simulator,
        }
    }

    pub fn with(switch: &str, value: &str) -> Self {
        let service = Self::new(Options::default());
        service.set(switch, value);
        service
    }

    pub fn set(&self, switch: &str, value: &str) {
        self.simulator
            .set_switch(switch, value)
            .expect("the switch takes this value");
    }

    pub fn request(&self, method: Method, path: &str, body: Option<&Value>) -> Request {
        let path = path.replace("{p}", &self.project);
        let path = match path.strip_prefix("v") {
            Some(rest) => format!("/construction/assets/v{rest}"),
            None => path,
        };
        let mut headers = vec![("authorization", format!("Bearer {}", self.simulator.token()))];
        if body.is_some() {
            headers.push(("content-type", "application/json".into()));
        }
        let body = body.map(|body| body.to_string().into());
        Request {
            method,
            url: format!("http://simulator{path}"),
            headers,
            body,
        }
    }

    pub async fn try_send(&self, request: Request) -> Result<Response, TransportError> {
        self.simulator.transport().send(request).await
    }

    pub async fn send(&self, request: Request) -> (u16, Value, Response) {
        let answer = self.try_send(request).await.expect("an answer");
        let body = serde_json::from_slice(&answer.body).unwrap_or_default();
        (answer.status, body, answer)
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        let (status, body, _) = self.send(self.request(Method::Get, path, None)).await;
        (status, body)
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let (status, body, _) = self.send(self.request(Method::Post, path, Some(&body))).await;
        (status, body)
    }

    pub async fn create(&self, items: Value) -> (u16, Value) {
        self.post("v2/projects/{p}/assets:batch-create", items).await
    }

    /// Creates one asset and returns its id.
    pub async fn created(&self, item: Value) -> String {
        let (status, body) = self.create(json!([item])).await;
        assert_eq!(status, 201, "{body}");
        text(&body["results"][0]["id"])
    }

    pub async fn patch(&self, id: &str, change: Value) -> (u16, Value) {
        let request = self.request(
            Method::Patch,
            "v2/projects/{p}/assets:batch-patch",
            Some(&json!({ id: change })),
        );
        let (status, body, _) = self.send(request).await;
        (status, body)
    }

    pub async fn delete(&self, ids: Value) -> (u16, Value) {
        self.post("v2/projects/{p}/assets:batch-delete", json!({ "ids": ids }))
            .await
    }

    pub async fn relate(&self, method: Method, tail: &str, body: Option<&Value>) -> (u16, Value) {
        let path = format!("/bim360/relationship/v2/containers/{{p}}/relationships{tail}");
        let (status, body, _) = self.send(self.request(method, &path, body)).await;
        (status, body)
    }

    pub fn category(&self, name: &str) -> &Value {
        let categories = self.catalogue["categories"].as_array().expect("a list");
        categories
            .iter()
            .find(|category| category["name"] == *name)
            .expect("the seeded category")
    }

    /// The id of a value of a select attribute.
    pub fn choice(&self, category: &str, attribute: &str, index: usize) -> String {
        let attributes = self.category(category)["attributes"].as_array().expect("a list");
        let attribute = attributes
            .iter()
            .find(|known| known["displayName"] == *attribute)
            .expect("an attribute");
        text(&attribute["values"][index]["id"])
    }

    pub fn location(&self, index: usize) -> String {
        text(&self.catalogue["locations"][index]["id"])
    }

    /// A valid new asset of a category.
    pub fn asset(&self, category: &str, name: &str) -> Value {
        let category = self.category(category);
        json!({ "clientAssetId": name, "categoryId": category["id"], "statusId": category["statuses"][0]["id"] })
    }

    pub fn asset_with(&self, category: &str, name: &str, field: &str, value: Value) -> Value {
        let mut asset = self.asset(category, name);
        asset[field] = value;
        asset
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

/// The codes of a rejected batch.
pub fn codes(body: &Value) -> Vec<&str> {
    let errors = body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors
        .iter()
        .filter_map(|error| error["errorCode"].as_str())
        .collect()
}
