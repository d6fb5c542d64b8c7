//! History of a pool.

use distributex_protocol::{
    history::{History, Run},
    path,
};

use crate::{Client, ClientError, Response};

impl Client {
    /// Ended runs of a pool, the latest first: as many as the server keeps.
    ///
    /// # Errors
    /// As [`Client::pool`]; a refusal of the kind [`NotFound`](crate::ErrorKind::NotFound) if the server keeps no
    /// history.
    ///
    /// ```no_run
    /// # use distributex_client::{Client, ClientError};
    /// # async fn example(client: Client) -> Result<(), ClientError> {
    /// for run in client.history("deploy").await?.value {
    ///     println!("{} held it for {:?}", run.host, run.held);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn history(&self, pool: &str) -> Result<Response<Vec<Run>>, ClientError> {
        let Response { value, json, server } =
            self.get::<History>(&format!("{}/history", path::pool(pool))).await?;
        Ok(Response { value: value.runs, json, server })
    }
}
