//! The whole server, wired; the only file that knows all its parts.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mishpulse_core::{Clock, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, oneshot, watch};
use tokio::task;

use crate::admin_key::{self, AdminKey};
use crate::clock::{SteadyClock, WallClock};
use crate::config::{ServiceName, Settings, Token, needs_restart};
use crate::ear::Ear;
use crate::engine::{
    Bell, Board, Command, Edit, EditError, Edited, Engine, Inbox, Parts, StartError, Unavailable, inbox,
};
use crate::http::{ADMIN_KEY, Access, Keys, Router, serve};
use crate::ingest;
use crate::manage::{self, Manage};
use crate::notify::{
    Notifier, NotifierError, Office, OpenHistory, SharedClock, TemplateError, Texts, Trials,
};
use crate::self_heartbeat::{IsWell, Watchman};
use crate::store::rows::Identity;
use crate::store::{History, SqliteHistory, SqliteStore, StoreError};
use crate::web::{self, Archive, BadgeIds, Feed, Sessions, Web};

/// Starts a server inside any program that runs tokio: the binary, a test, or an app of your own.
#[derive(Debug)]
#[non_exhaustive]
pub struct App;

/// A server that runs. Dropping it does not stop it; [`stop`](Self::stop) does.
pub struct Running {
    address: SocketAddr,
    settings: Arc<Settings>,
    database: PathBuf,
    admin_key: AdminKey,
    inbox: Inbox,
    board: Arc<Board>,
    notifier: Notifier,
    office: Office,
    is_well: IsWell,
    watchman: Watchman,
    engine: task::JoinHandle<()>,
    engine_ended: oneshot::Receiver<()>,
    http: task::JoinHandle<()>,
    /// What opens the management API.
    keys: Arc<Keys>,
    /// Tells the pages of other settings.
    pages: watch::Sender<Arc<Settings>>,
    router: Arc<Router>,
    shutdown: watch::Sender<bool>,
}

/// Why a server cannot start, or cannot take other settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another with --listen or `listen`")]
    Listen {
        /// Which.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The data folder does not work.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The admin key cannot be read or made.
    #[error(transparent)]
    AdminKey(#[from] admin_key::AdminKeyError),
    /// The secret behind the ids of badges cannot be read or made.
    #[error("badge.key in the data folder: {0}")]
    BadgeKey(std::io::Error),
    /// The engine cannot start.
    #[error(transparent)]
    Engine(#[from] StartError),
    /// What the configuration declares cannot be.
    #[error("configuration: {0}")]
    Declared(#[from] EditError),
    /// A channel cannot be put to work.
    #[error(transparent)]
    Notifier(#[from] NotifierError),
    /// One of the operator's own texts does not work.
    #[error("configuration: {0}")]
    Template(#[from] TemplateError),
    /// The store does not take writes.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// It can be changed, but not while the server runs.
    #[error("configuration: a new `{0}` needs a restart")]
    NeedsRestart(&'static str),
}

impl App {
    /// Starts a server on the address of `settings`, with the system's clock.
    ///
    /// # Errors
    /// [`AppError`] where it cannot; nothing runs then.
    pub async fn start(settings: Settings) -> Result<Running, AppError> {
        let listen = |source| AppError::Listen { address: settings.listen.clone(), source };
        let listener = TcpListener::bind(&settings.listen).await.map_err(listen)?;
        Self::prepare(settings, listener)?.start(None)
    }

    /// Opens all that a server on `listener` needs, and decides nothing yet.
    ///
    /// # Errors
    /// [`AppError`] where something does not work.
    pub fn prepare(mut settings: Settings, listener: TcpListener) -> Result<Prepared, AppError> {
        let listen = |source| AppError::Listen { address: settings.listen.clone(), source };
        let address = listener.local_addr().map_err(listen)?;
        settings.listens_on(address);
        let texts = Arc::new(Texts::new(settings.locale, &settings.templates)?);
        let store = SqliteStore::open(&settings.data_dir, settings.durability)?;
        let admin_key = admin_key::find_or_make(&settings)?;
        Ok(Prepared { settings: Arc::new(settings), listener, address, texts, store, admin_key })
    }
}

/// A server that is ready to start: its address is taken, its database open, its admin key there.
#[derive(Debug)]
pub struct Prepared {
    settings: Arc<Settings>,
    listener: TcpListener,
    address: SocketAddr,
    texts: Arc<Texts>,
    store: SqliteStore,
    admin_key: AdminKey,
}

impl Prepared {
    /// The address that it listens on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The settings that will hold.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The admin key, and where it is kept.
    #[must_use]
    pub const fn admin_key(&self) -> &AdminKey {
        &self.admin_key
    }

    /// Starts it, inside a tokio runtime; with `clock`, time is what that says.
    ///
    /// # Errors
    /// [`AppError`] where it cannot; nothing runs then.
    pub fn start(self, clock: Option<SharedClock>) -> Result<Running, AppError> {
        let Self { settings, listener, address, texts, store, admin_key } = self;
        let database = store.path().to_owned();
        let (clock, woke_at) = wake(clock, store.seen()?);

        let (inbox, intake) = inbox(settings.limits.inbox);
        let (board, bell) = (Arc::new(Board::new()), Arc::new(Bell::default()));
        let office = Office {
            inbox: inbox.clone(),
            bell: Arc::clone(&bell),
            clock: Arc::clone(&clock),
            wall: Arc::new(WallClock),
            texts,
            expires: settings.delivery_expires,
            settled: broadcast::Sender::new(SETTLED_KEPT),
        };
        let parts = Parts {
            settings: Arc::clone(&settings),
            store,
            clock: Shared(Arc::clone(&clock)),
            intake,
            board: Arc::clone(&board),
            bell,
        };
        let ear = Ear::new(Arc::clone(&clock));
        let engine = Engine::start(parts, woke_at)?.listening_by(ear.clone());
        let notifier = Notifier::start(&settings, office.clone(), open_history(&database))?;
        let (ended, engine_ended) = oneshot::channel();
        let engine = task::spawn(async move {
            engine.run().await;
            // Nobody waits for it when the server is being stopped.
            let _ = ended.send(());
        });

        let keys = keys(&settings, &admin_key).throttled(Arc::clone(&clock), settings.limits.key_failures);
        let keys = Arc::new(keys);
        let kept_keys = Arc::clone(&keys);
        let (pages, shown) = watch::channel(Arc::clone(&settings));
        let web = Web {
            board: Arc::clone(&board),
            check_every: settings.check_every,
            settings: shown,
            feed: Arc::new(Feed::new(Arc::clone(&board), Arc::clone(&clock))),
            sessions: Arc::new(Sessions::new(Arc::clone(&keys), Arc::clone(&clock))),
            archive: Archive::new(open_history(&database).into()),
            badges: BadgeIds::open(&settings.data_dir).map_err(AppError::BadgeKey)?,
            inbox: inbox.clone(),
            keys,
            ear: ear.clone(),
            clock,
        };
        let door = ingest::Door { inbox: inbox.clone(), clock: Arc::clone(&office.clock) };
        let router = web::routes(ingest::routes(Router::new(), &door), &web);
        let router = web::page_routes(router, &web, &Trials::of(&office));
        let router = web::metrics_route(router, &web, inbox.metrics(), open_history(&database).into());
        let router = manage::routes(router, Manage { web: web.clone(), trials: Trials::of(&office) });
        let asked = web.clone();
        let is_well: IsWell = Arc::new(move || web::is_ready(&asked).is_ok());
        let watchman = Watchman::start(settings.self_heartbeat.as_ref(), Arc::clone(&is_well));
        let (shutdown, stopping) = watch::channel(false);
        task::spawn(Arc::clone(&web.feed).run(stopping.clone()));
        let router = Arc::new(router);
        let http = task::spawn(serve(listener, Arc::clone(&router), settings.limits.clone(), ear, stopping));
        Ok(Running {
            address,
            settings,
            database,
            admin_key,
            inbox,
            board,
            notifier,
            office,
            is_well,
            watchman,
            engine,
            engine_ended,
            http,
            keys: kept_keys,
            pages,
            router,
            shutdown,
        })
    }
}

impl Running {
    /// The address that it listens on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The settings that hold.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Where the database is.
    #[must_use]
    pub fn database(&self) -> &Path {
        &self.database
    }

    /// The admin key, and where it is kept.
    #[must_use]
    pub const fn admin_key(&self) -> &AdminKey {
        &self.admin_key
    }

    /// The state of all services.
    #[must_use]
    pub const fn board(&self) -> &Arc<Board> {
        &self.board
    }

    /// Says whether the store takes writes and the watchdog looks on time, as `/readyz` does.
    #[must_use]
    pub fn is_well(&self) -> IsWell {
        Arc::clone(&self.is_well)
    }

    /// What it answers: by which methods, at which paths.
    #[must_use]
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// Makes a service with this name and the defaults, and says its heartbeat URL.
    ///
    /// # Errors
    /// [`AppError`] where it cannot be made.
    pub async fn make_service(&self, name: ServiceName) -> Result<String, AppError> {
        let token = Token::random().map_err(|_| EditError::TokenTaken)?;
        let url = format!("{}/api/heartbeat/{}", self.settings.public_url, token);
        let identity = Identity { name, token, overrides: Default::default(), declared: false };
        let make =
            |reply| Command::Edit { edit: Edit::Create(identity).into(), by: "first run".to_owned(), reply };
        match self.inbox.ask(make).await?? {
            Edited::Service(_) | Edited::Deleted => Ok(url),
        }
    }

    /// Takes other settings: all of them, or none where one cannot be.
    ///
    /// # Errors
    /// [`AppError`]; everything is as it was then.
    pub async fn reload(&mut self, mut settings: Settings) -> Result<(), AppError> {
        if let Some(key) = needs_restart(&self.settings, &settings).first() {
            return Err(AppError::NeedsRestart(key));
        }
        settings.listens_on(self.address);
        let texts = Arc::new(Texts::new(settings.locale, &settings.templates)?);
        let channels = self.notifier.prepare(&settings)?;
        let admin_key = admin_key::find_or_make(&settings)?;
        let settings = Arc::new(settings);
        let again = Arc::clone(&settings);
        self.inbox.ask(|reply| Command::Reconfigure { settings: again, reply }).await??;
        let office = Office { texts, expires: settings.delivery_expires, ..self.office.clone() };
        self.notifier.restart(channels, office.clone())?;
        self.keys.replace(keys(&settings, &admin_key));
        self.pages.send_replace(Arc::clone(&settings));
        (self.office, self.settings, self.admin_key) = (office, settings, admin_key);
        self.watchman.change(self.settings.self_heartbeat.as_ref());
        Ok(())
    }

    /// Waits until the engine has ended by itself, which it never should.
    pub async fn engine_ended(&mut self) {
        let _ = (&mut self.engine_ended).await;
    }

    /// Stops taking requests, finishes what is under way, and stops.
    pub async fn stop(self) {
        let _ = self.shutdown.send(true);
        // The channels first: what they just sent is still to be written down.
        let channels = self.notifier.stop();
        let _ = self.http.await;
        let waited = task::spawn_blocking(move || {
            let deadline = std::time::Instant::now() + CHANNELS_TIMEOUT;
            for channel in channels {
                while !channel.is_finished() && std::time::Instant::now() < deadline {
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
        });
        let _ = waited.await;
        self.inbox.stop();
        if self.engine.await.is_err() {
            tracing::error!("the engine did not end well");
        }
    }
}

/// How many outcomes of deliveries a slow listener may lag behind.
const SETTLED_KEPT: usize = 1024;
/// How long a try to deliver that is under way may take when the server stops; it is repeated at the next start.
const CHANNELS_TIMEOUT: Duration = Duration::from_secs(5);

/// The clock to go by, and what time it was by a clock that may have been set back while the server was down.
fn wake(clock: Option<SharedClock>, seen: Option<Timestamp>) -> (SharedClock, Timestamp) {
    let clock = clock.unwrap_or_else(|| Arc::new(SteadyClock::new()));
    let woke_at = clock.now();
    match seen.filter(|seen| *seen > woke_at) {
        Some(seen) => {
            tracing::warn!(
                behind = %seen.since(woke_at),
                "the system's clock was set back; times are shown by the old one until it has caught up"
            );
            (Arc::new(SteadyClock::starting_at(seen)), woke_at)
        }
        None => (clock, woke_at),
    }
}

fn open_history(database: &Path) -> OpenHistory {
    let database = database.to_owned();
    Box::new(move || Ok(Box::new(SqliteHistory::open(&database)?) as Box<dyn History>))
}

fn keys(settings: &Settings, admin_key: &AdminKey) -> Keys {
    let keys = Keys::new().with(ADMIN_KEY, &admin_key.key, Access::Admin);
    let more = settings.keys.iter();
    more.fold(keys, |keys, (name, key)| keys.with(name.as_str(), &key.key, key.access.into()))
}

/// A clock that many read.
struct Shared(SharedClock);

impl Clock for Shared {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}
