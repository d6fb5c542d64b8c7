//! Leases that are renewed and released by their ids.

use std::time::Duration;

use distributex_client::{Client, ClientError, ErrorKind, LeaseId};

use super::{ask, client};
use crate::support::Server;

const ONE_SLOT: &str = "pools: [{name: p, expire: 300}]";

fn kind(error: &ClientError) -> ErrorKind {
    error.refusal().unwrap_or_else(|| panic!("{error}")).kind
}

#[actix::test]
async fn a_lease_outlives_the_client_that_left_it_and_another_one_renews_and_releases_it() {
    let server = Server::start(ONE_SLOT);
    let first = client(&[server.addr]);
    let record = first.acquire(&ask()).await.unwrap().detach();
    first.settled().await;
    let other = Client::of_store(vec![server_of(&server)], &record.store);

    let renewed = other.renew("p", &record.id, Some(Duration::from_secs(60))).await.unwrap();
    assert_eq!((renewed.token, renewed.host.as_str(), renewed.pool.as_str()), (record.token, "web1", "p"));
    assert_eq!((record.ttl, renewed.ttl), (Some(Duration::from_secs(30)), Some(Duration::from_secs(60))));
    assert!(renewed.expires_at > record.expires_at);
    let again = other.renew("p", &record.id, None).await.unwrap();
    assert_eq!(again.ttl, renewed.ttl, "as after the last renewal");

    other.release("p", &record.id).await.unwrap();
    assert_eq!(kind(&other.release("p", &record.id).await.unwrap_err()), ErrorKind::LeaseLost);
    assert_eq!(kind(&other.renew("p", &record.id, None).await.unwrap_err()), ErrorKind::LeaseLost);
}

#[actix::test]
async fn the_wrong_id_is_no_lease() {
    let server = Server::start(ONE_SLOT);
    let client = client(&[server.addr]);
    let lease = client.acquire(&ask()).await.unwrap();

    for id in ["", "web1", &"0".repeat(32)] {
        assert_eq!(
            kind(&client.release("p", &LeaseId::new(id)).await.unwrap_err()),
            ErrorKind::LeaseLost,
            "{id}"
        );
    }

    lease.release().await.unwrap();
}

#[actix::test]
async fn a_lease_of_one_store_is_not_looked_for_in_another() {
    let server = Server::start(ONE_SLOT);
    let client = Client::of_store(vec![server_of(&server)], "another");

    let error = client.renew("p", &LeaseId::new("0".repeat(32)), None).await.unwrap_err();

    assert!(matches!(error, ClientError::OtherStore { .. }), "{error}");
}

fn server_of(server: &Server) -> distributex_client::Server {
    distributex_client::Server::parse(&server.addr.to_string(), 9889).unwrap()
}
