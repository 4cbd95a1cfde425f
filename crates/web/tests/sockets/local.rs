//! The socket of the command line: tokens from their making to their end.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use housekey_gateway::{Gateway, GatewayConfig, Surroundings, UtcMicros};
use housekey_home::replica::Replica;
use housekey_link::{Absence, House, Link};
use housekey_sim::Dump;
use housekey_store::Store;
use housekey_web::local::{LocalSocket, router};
use housekey_web::{Listener, Names, ServeConfig, serve};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A server with both kinds of listeners, each with the admin routes.
struct Server {
    path: PathBuf,
    network: std::net::SocketAddr,
    house: watch::Sender<House>,
    store: Arc<Store>,
    shutdown: CancellationToken,
    done: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl Server {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("housekey.sock");
        let (house, houses) = watch::channel(House::Absent {
            why: Absence::Connecting,
        });
        let store = Arc::new(Store::in_memory().unwrap());
        let dice = AtomicU8::new(1);
        let surroundings = Surroundings {
            now: Arc::new(|| UtcMicros(1_795_435_200_000_000)),
            random: Arc::new(move || [dice.fetch_add(1, Ordering::Relaxed); 32]),
        };
        let link = Link::from_houses(houses);
        let gateway = Gateway::new(
            Arc::clone(&store),
            link,
            surroundings,
            GatewayConfig::default(),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let network = listener.local_addr().unwrap();
        let socket = LocalSocket::bind(&path, true).unwrap();
        let listeners = vec![
            Listener::Tcp {
                listener,
                router: router(gateway.clone()),
            },
            Listener::Local {
                socket,
                router: router(gateway),
            },
        ];
        let config = ServeConfig {
            names: Names::new(&[], &[], &[]).unwrap(),
            trusted_proxies: Vec::new(),
            shutdown_grace: Duration::from_secs(1),
        };
        let shutdown = CancellationToken::new();
        let done = tokio::spawn(serve(listeners, config, shutdown.clone()));
        Self {
            path,
            network,
            house,
            store,
            shutdown,
            done,
            _folder: folder,
        }
    }

    fn load_home(&self) {
        let parts = Dump::demo().parts().unwrap();
        let snapshot = Replica::new(parts).snapshot();
        self.house.send_replace(House::Live {
            snapshot,
            starting: false,
        });
    }

    async fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let mut stream = UnixStream::connect(&self.path).await.unwrap();
        stream
            .write_all(request(method, path, body).as_bytes())
            .await
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        read(&answer)
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.done.await.unwrap();
        assert!(!self.path.exists(), "the socket goes with the server");
    }
}

fn request(method: &str, path: &str, body: &Value) -> String {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn read(answer: &str) -> (u16, Value) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn a_token_from_its_making_to_its_end() {
    let server = Server::start().await;
    server.load_home();
    let order = json!({"name": "kitchen", "read": ["light"], "deny": ["light.nowhere"]});
    let (status, made) = server.ask("POST", "/api/admin/tokens", &order).await;
    assert_eq!(status, 201, "{made}");
    assert!(made["secret"].as_str().unwrap().starts_with("atm_"));
    assert_eq!(made["remarks"].as_array().unwrap().len(), 1, "{made}");
    assert_eq!(made["rate"], json!({"per_minute": 60, "burst": 10}));
    assert_eq!(made["expires_at"], Value::Null);

    let (status, listed) = server.ask("GET", "/api/admin/tokens", &Value::Null).await;
    assert_eq!(status, 200);
    let listed = listed["tokens"].as_array().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].get("secret"), None, "it is shown once");
    let (_, shown) = server
        .ask("GET", "/api/admin/tokens/kitchen", &Value::Null)
        .await;
    assert_eq!(shown, listed[0]);
    assert_eq!(
        shown["grants"]["domains"]["light"],
        json!({"color": "yellow"})
    );
    assert_eq!(shown["grants"]["entities"]["light.nowhere"]["color"], "red");

    let (status, ended) = server
        .ask("DELETE", "/api/admin/tokens/kitchen", &Value::Null)
        .await;
    assert_eq!((status, &ended["status"]), (200, &json!("revoked")));
    let (status, _) = server
        .ask("DELETE", "/api/admin/tokens/kitchen", &Value::Null)
        .await;
    assert_eq!(status, 404);
    let (_, archived) = server
        .ask("GET", "/api/admin/tokens?archived=true", &Value::Null)
        .await;
    assert_eq!(archived["tokens"][0]["id"], made["id"]);
    let records = server.store.audit().read(10, 0).unwrap();
    let uid = rustix::process::geteuid().as_raw();
    let who = records[0]
        .record
        .principal
        .as_ref()
        .map(ToString::to_string);
    assert_eq!(who, Some(format!("local:{uid}")));
    server.stop().await;
}

#[tokio::test]
async fn a_token_is_changed_in_all_its_parts() {
    let server = Server::start().await;
    server.load_home();
    let order = json!({"name": "kitchen", "read": ["light"], "deny": ["lock"]});
    let (_, made) = server.ask("POST", "/api/admin/tokens", &order).await;
    let path = "/api/admin/tokens/kitchen";
    let edit = json!({"write": ["light"], "clear": ["lock"], "deny": ["light.nowhere"]});
    let (status, edited) = server.ask("POST", &format!("{path}/grants"), &edit).await;
    assert_eq!(status, 200, "{edited}");
    assert_eq!(
        edited["grants"]["domains"],
        json!({"light": {"color": "green"}})
    );
    assert_eq!(edited["remarks"].as_array().unwrap().len(), 1, "{edited}");

    let change = json!({
        "expires_at": "2099-01-31T12:00:00Z",
        "rate_per_minute": 7,
        "allow": ["restart", "log_read"],
        "forbid": ["broadcast"],
        "suspended": true,
    });
    let (status, changed) = server.ask("PATCH", path, &change).await;
    assert_eq!(status, 200, "{changed}");
    assert_eq!(changed["status"], "suspended");
    assert_eq!(
        changed["capabilities"],
        json!({"restart": "on", "log_read": "on"})
    );
    assert_eq!(changed["rate"], json!({"per_minute": 7, "burst": 10}));
    assert!(
        changed["expires_at"]
            .as_str()
            .unwrap()
            .starts_with("2099-01-31T12:00:00")
    );
    assert_eq!(
        changed["grants"], edited["grants"],
        "what is not named stays"
    );
    let (_, changed) = server
        .ask("PATCH", path, &json!({"expires_at": null}))
        .await;
    assert_eq!(
        (&changed["expires_at"], &changed["status"]),
        (&Value::Null, &json!("suspended"))
    );

    let (status, rotated) = server
        .ask("POST", &format!("{path}/rotate"), &Value::Null)
        .await;
    assert_eq!(status, 200, "{rotated}");
    assert!(rotated["secret"].as_str().unwrap().starts_with("atm_"));
    assert_ne!(rotated["secret"], made["secret"]);

    let (status, scope) = server
        .ask("GET", &format!("{path}/scope"), &Value::Null)
        .await;
    assert_eq!(status, 200, "{scope}");
    let areas = scope["areas"].as_array().unwrap();
    let entities = areas
        .iter()
        .flat_map(|area| area["entities"].as_array().unwrap());
    let entities: Vec<_> = entities.collect();
    assert_eq!(json!(entities.len()), scope["readable"]);
    let is_light = |entity: &&Value| entity["entity_id"].as_str().unwrap().starts_with("light.");
    assert!(
        !entities.is_empty() && entities.iter().all(is_light),
        "{scope}"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_change_that_cannot_be_is_said_with_the_field() {
    let server = Server::start().await;
    let order = json!({"name": "kitchen", "read": ["light"]});
    server.ask("POST", "/api/admin/tokens", &order).await;
    let path = "/api/admin/tokens/kitchen";
    let grants = format!("{path}/grants");
    for (method, path, body, field) in [
        ("PATCH", path, json!({}), "change"),
        ("PATCH", path, json!({"expires_at": "soon"}), "expires_at"),
        ("PATCH", path, json!({"allow": ["fly"]}), "allow"),
        ("PATCH", path, json!({"nmae": "x"}), "body"),
        ("POST", &grants, json!({"read": ["Light"]}), "read"),
        (
            "POST",
            &grants,
            json!({"clear": ["light"], "read": ["light"]}),
            "clear",
        ),
        ("POST", &grants, json!("light"), "body"),
    ] {
        let (status, answer) = server.ask(method, path, &body).await;
        assert_eq!(
            (status, &answer["field"]),
            (422, &json!(field)),
            "{body}: {answer}"
        );
    }
    let nobody = "/api/admin/tokens/nobody";
    for (method, path, body) in [
        ("PATCH", nobody.to_owned(), json!({"rate_burst": 1})),
        (
            "POST",
            format!("{nobody}/grants"),
            json!({"read": ["light"]}),
        ),
        ("POST", format!("{nobody}/rotate"), Value::Null),
        ("GET", format!("{nobody}/scope"), Value::Null),
    ] {
        assert_eq!(server.ask(method, &path, &body).await.0, 404, "{path}");
    }
    let (status, answer) = server
        .ask("GET", &format!("{path}/scope"), &Value::Null)
        .await;
    assert_eq!((status, &answer["error"]), (409, &json!("needs_live_home")));
    server.stop().await;
}

#[tokio::test]
async fn the_audit_is_read_followed_and_checked() {
    let server = Server::start().await;
    let audit = "/api/admin/audit";
    let (_, none) = server.ask("GET", audit, &Value::Null).await;
    assert_eq!(none, json!({"records": [], "last": 0}));
    // Somebody waits for what comes next.
    let follow = format!("{audit}?after=0&wait_s=25");
    let order = json!({"name": "kitchen", "read": ["light"]});
    let (followed, _) = tokio::join!(
        server.ask("GET", &follow, &Value::Null),
        server.ask("POST", "/api/admin/tokens", &order),
    );
    let first = &followed.1["records"][0];
    assert_eq!(
        (&first["seq"], &first["phase"]),
        (&json!(1), &json!("intent")),
        "{followed:?}"
    );
    assert_eq!(first["token_name"], "kitchen");
    assert_eq!(
        first["payload"],
        r#"{"read": ["light"], "rate_per_minute": 60, "rate_burst": 10}"#
    );
    // The outcome comes with the next batch.
    let (_, second) = server
        .ask("GET", &format!("{audit}?after=1&wait_s=25"), &Value::Null)
        .await;
    assert_eq!(second["records"][0]["phase"], "outcome", "{second}");
    assert_eq!(second["last"], 2);

    let id = first["request_id"].as_str().unwrap();
    let (_, shown) = server
        .ask("GET", &format!("{audit}/requests/{id}"), &Value::Null)
        .await;
    assert_eq!(shown["records"].as_array().unwrap().len(), 2, "{shown}");
    let (status, _) = server
        .ask("GET", &format!("{audit}/requests/none"), &Value::Null)
        .await;
    assert_eq!(status, 404);
    let (_, one) = server
        .ask(
            "GET",
            &format!("{audit}?limit=1&token=kitchen"),
            &Value::Null,
        )
        .await;
    assert_eq!(one["records"][0]["seq"], 2);
    let (_, checked) = server
        .ask("GET", &format!("{audit}/check"), &Value::Null)
        .await;
    assert_eq!(checked, json!({"state": "whole", "records": 2}));
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("after=-1", "after"),
        ("outcome=fine", "outcome"),
        ("lmit=1", "query"),
    ] {
        let (status, answer) = server
            .ask("GET", &format!("{audit}?{query}"), &Value::Null)
            .await;
        assert_eq!((status, &answer["field"]), (422, &json!(field)), "{query}");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_is_said_with_the_field() {
    let server = Server::start().await;
    for (order, field) in [
        (json!({"name": "x"}), "name"),
        (json!({"name": "fine", "read": ["Light"]}), "read"),
        (
            json!({"name": "fine", "expires_at": "tomorrow"}),
            "expires_at",
        ),
        (
            json!({"name": "fine", "expires_at": "2001-01-01T00:00:00Z"}),
            "expires_at",
        ),
        (
            json!({"name": "fine", "rate_burst": 1_000_000}),
            "rate_burst",
        ),
        (json!({"name": "fine", "reed": ["light"]}), "body"),
        (json!("fine"), "body"),
    ] {
        let (status, answer) = server.ask("POST", "/api/admin/tokens", &order).await;
        assert_eq!(
            (status, &answer["field"]),
            (422, &json!(field)),
            "{order}: {answer}"
        );
        assert!(answer["message"].as_str().unwrap().len() > 10, "{answer}");
    }
    let (status, answer) = server
        .ask("GET", "/api/admin/tokens?archived=1", &Value::Null)
        .await;
    assert_eq!((status, &answer["field"]), (422, &json!("query")));
    server.stop().await;
}

#[tokio::test]
async fn an_explanation_needs_the_home_and_lists_its_steps() {
    let server = Server::start().await;
    let order = json!({"name": "lights", "read": ["light"]});
    server.ask("POST", "/api/admin/tokens", &order).await;
    let path = "/api/admin/tokens/lights/explain/light.no_such";
    let (status, answer) = server.ask("GET", path, &Value::Null).await;
    assert_eq!((status, &answer["error"]), (409, &json!("needs_live_home")));
    let (_, status) = server.ask("GET", "/api/admin/status", &Value::Null).await;
    assert_eq!(
        (&status["ready"], &status["home_is_live"]),
        (&json!(false), &json!(false))
    );
    server.load_home();
    let (status, answer) = server.ask("GET", path, &Value::Null).await;
    assert_eq!(
        (status, &answer["verdict"]),
        (200, &json!("absent")),
        "{answer}"
    );
    let light = Dump::demo()
        .parts()
        .unwrap()
        .states
        .into_iter()
        .find(|state| state.entity_id.domain() == "light");
    let path = format!(
        "/api/admin/tokens/lights/explain/{}",
        light.unwrap().entity_id
    );
    let (_, answer) = server.ask("GET", &path, &Value::Null).await;
    assert_eq!(answer["verdict"], "read", "{answer}");
    assert_eq!(answer["steps"][0]["level"], "domain");
    let (_, status) = server.ask("GET", "/api/admin/status", &Value::Null).await;
    assert_eq!(status["ready"], true);
    server.stop().await;
}

#[tokio::test]
async fn over_the_network_the_routes_do_not_exist() {
    let server = Server::start().await;
    for path in ["/api/admin/tokens", "/api/admin/status", "/api/admin/audit"] {
        let mut stream = TcpStream::connect(server.network).await.unwrap();
        stream
            .write_all(request("GET", path, &Value::Null).as_bytes())
            .await
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert_eq!(read(&answer).0, 404, "{answer}");
    }
    server.stop().await;
}
