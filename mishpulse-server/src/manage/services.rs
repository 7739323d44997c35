//! Services: made, shown, changed, deleted, paused and resumed.

use std::sync::Arc;

use super::Manage;
use super::call::{Call, not_found};
use super::conditions::Conditions;
use super::fields::Fields;
use super::refusal::{Refusal, service_of, unavailable};
use super::shown::path_of;
use crate::config::{NameError, ServiceName, Token};
use crate::engine::{Edit, EditError, Row};
use crate::http::{Access, Reply, StatusCode, header};
use crate::store::rows::Identity;
use crate::web;

pub(super) async fn list(manage: Arc<Manage>, call: Call) -> Result<Reply, Reply> {
    let writer = manage.writer(call.access);
    Ok(web::list(&manage.web.board, &call.request, move |view, row, json| writer.write(view, row, json))
        .await)
}

pub(super) async fn show(manage: Arc<Manage>, call: Call) -> Result<Reply, Reply> {
    let row = manage.row(&call)?;
    Ok(manage.reply(StatusCode::OK, &row, call.access))
}

pub(super) async fn create(manage: Arc<Manage>, call: Call) -> Result<Reply, Reply> {
    let fields = Fields::read(&call.request.body)?;
    let Some(name) = fields.name.clone() else {
        let detail = "a service needs a name; send at least {\"name\": \"api-worker\"}";
        return Err(Reply::problem_with(StatusCode::UNPROCESSABLE_ENTITY, "name", detail));
    };
    let edit = Edit::Create(new_identity(name, &fields)?);
    let row = service_of(manage.edit(edit, &call.by).await?)?;
    Ok(manage.created(&row))
}

pub(super) async fn put(manage: Arc<Manage>, call: Call) -> Result<Reply, Reply> {
    let name = call.name().ok_or_else(|| wrong_name(&NameError::Service.to_string()))?;
    let fields = Arc::new(Fields::read(&call.request.body)?);
    if fields.name.as_ref().is_some_and(|other| *other != name) {
        return Err(wrong_name("the name is not that of the path; leave it out, or rename with PATCH"));
    }
    let conditions = Arc::new(Conditions::of(&call.request));
    for _ in 0..PUT_TRIES {
        let (again, wanted, held) = (Arc::clone(&manage), Arc::clone(&fields), Arc::clone(&conditions));
        let change = Box::new(move |before: &Identity| {
            held.check(Some(&again.etag(before)))?;
            let token = wanted.token.clone().unwrap_or_else(|| before.token.clone());
            Ok(Identity { token, overrides: wanted.overrides(), ..before.clone() })
        });
        match manage.edit(Edit::Update { name: name.clone(), change }, &call.by).await {
            Err(Refusal::Edit(EditError::NotFound(_))) => {}
            edited => return Ok(manage.reply(StatusCode::OK, &service_of(edited?)?, call.access)),
        }
        conditions.check(None).map_err(Refusal::Edit)?;
        match manage.edit(Edit::Create(new_identity(name.clone(), &fields)?), &call.by).await {
            // Another request has just made it.
            Err(Refusal::Edit(EditError::NameTaken(_))) => {}
            edited => return Ok(manage.created(&service_of(edited?)?)),
        }
    }
    Err(unavailable("other requests make and delete this service all the time; send it again"))
}

pub(super) async fn patch(manage: Arc<Manage>, call: Call) -> Result<Reply, Reply> {
    let name = manage.named(&call)?;
    let fields = Fields::read(&call.request.body)?;
    let (again, conditions) = (Arc::clone(&manage), Conditions::of(&call.request));
    let change = Box::new(move |before: &Identity| {
        conditions.check(Some(&again.etag(before)))?;
        Ok(fields.applied_to(before))
    });
    let row = service_of(manage.edit(Edit::Update { name, change }, &call.by).await?)?;
    Ok(manage.reply(StatusCode::OK, &row, call.access))
}

pub(super) async fn delete(manage: Arc<Manage>, call: Call) -> Result<Reply, Reply> {
    let name = manage.named(&call)?;
    let (again, conditions) = (Arc::clone(&manage), Conditions::of(&call.request));
    let check = Box::new(move |identity: &Identity| conditions.check(Some(&again.etag(identity))));
    manage.edit(Edit::Delete { name, check }, &call.by).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

pub(super) async fn pause(manage: Arc<Manage>, call: Call) -> Result<Reply, Reply> {
    manage.edit_named(&call, Edit::Pause).await
}

pub(super) async fn resume(manage: Arc<Manage>, call: Call) -> Result<Reply, Reply> {
    manage.edit_named(&call, Edit::Resume).await
}

pub(super) async fn rotate_token(manage: Arc<Manage>, call: Call) -> Result<Reply, Reply> {
    let token = random_token()?;
    manage.edit_named(&call, |name| Edit::RotateToken(name, token)).await
}

impl Manage {
    /// The name in the path, which no service has where it cannot be one.
    fn named(&self, call: &Call) -> Result<ServiceName, Reply> {
        call.name().ok_or_else(|| not_found(&call.request.param(0).unwrap_or_default()))
    }

    async fn edit_named(&self, call: &Call, edit: impl FnOnce(ServiceName) -> Edit) -> Result<Reply, Reply> {
        let row = service_of(self.edit(edit(self.named(call)?), &call.by).await?)?;
        Ok(self.reply(StatusCode::OK, &row, call.access))
    }

    fn created(&self, row: &Row) -> Reply {
        let reply = self.reply(StatusCode::CREATED, row, Access::Admin);
        reply.with_value(header::LOCATION, &path_of(row.identity.name.as_str()))
    }
}

/// How often a service may appear and vanish while it is being put.
const PUT_TRIES: usize = 5;

fn new_identity(name: ServiceName, fields: &Fields) -> Result<Identity, Reply> {
    let token = fields.token.clone().map_or_else(random_token, Ok)?;
    Ok(Identity { name, token, overrides: fields.overrides(), declared: false })
}

fn random_token() -> Result<Token, Reply> {
    Token::random()
        .map_err(|_| unavailable("the system gives no random numbers for a token; send one of your own"))
}

fn wrong_name(detail: &str) -> Reply {
    Reply::problem_with(StatusCode::UNPROCESSABLE_ENTITY, "name", detail)
}
