//! The gateway: how a client asks for builds inside of its own build.

use crate::builds::{Returned, Running};
use crate::failure::{self, status};
use crate::work::Outcome;
use crate::{BuildKit, work};
use bollard_buildkit_proto::moby::buildkit::v1::apicaps::ApiCap;
use bollard_buildkit_proto::moby::buildkit::v1::frontend::llb_bridge_server::LlbBridge;
use bollard_buildkit_proto::moby::buildkit::v1::frontend::{self as wire, result};
use bollard_buildkit_proto::pb;
use futures_util::stream::BoxStream;
use prost::Message;
use std::sync::Arc;
use tonic::{Code, Request, Response, Status, Streaming};

/// The header that says which build a call belongs to.
const BUILD: &str = "buildkit-controlapi-buildid";

/// What the gateway can do, by BuildKit's names.
const GATEWAY: [&str; 12] = [
    "solve.base",
    "solve.inlinereturn",
    "return",
    "returnmap",
    "proto.refarray",
    "reference.output",
    "frontend.inputs",
    "frontend.caps",
    "gateway.solve.metadata",
    "gateway.warnings",
    "gateway.evaluate",
    "gateway.solve.evaluate",
];

/// What definitions may hold that clients pass on: named contexts that stand for results of other builds.
const DEFINITIONS: [&str; 7] = [
    "source.image",
    "source.image.resolvemode",
    "source.local",
    "constraints",
    "platform",
    "meta.description",
    "exporter.multiple",
];

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl LlbBridge for BuildKit {
    type ExecProcessStream = BoxStream<'static, Result<wire::ExecMessage, Status>>;

    async fn ping(&self, _: Request<wire::PingRequest>) -> Answer<wire::PongResponse> {
        Ok(Response::new(wire::PongResponse {
            frontend_api_caps: caps(&GATEWAY),
            llb_caps: caps(&DEFINITIONS),
            workers: vec![self.worker()],
        }))
    }

    async fn solve(&self, request: Request<wire::SolveRequest>) -> Answer<wire::SolveResponse> {
        let running = self.running(&request).await?;
        let request = request.into_inner();
        let image = match request.frontend.as_str() {
            "dockerfile.v0" => {
                let built = work::build(self, &running, request.frontend_opt, request.frontend_inputs).await;
                match built.map_err(|error| status(&error))? {
                    Outcome::Image(image) => image,
                    Outcome::Checked(metadata) => {
                        let result = wire::Result { metadata, ..wire::Result::default() };
                        let answer =
                            wire::SolveResponse { result: Some(result), ..wire::SolveResponse::default() };
                        return Ok(Response::new(answer));
                    }
                }
            }
            "" => request.definition.as_ref().and_then(image_of).ok_or_else(|| {
                Status::unimplemented(
                    "steps that the client put together itself (LLB) are not carried out: build a Dockerfile",
                )
            })?,
            other => return Err(failure::unknown_frontend(other)),
        };
        let reference = wire::Ref { def: Some(definition_of(&image)), id: image };
        let result = wire::Result { result: Some(result::Result::Ref(reference)), ..wire::Result::default() };
        Ok(Response::new(wire::SolveResponse { result: Some(result), ..wire::SolveResponse::default() }))
    }

    async fn r#return(&self, request: Request<wire::ReturnRequest>) -> Answer<wire::ReturnResponse> {
        let running = self.running(&request).await?;
        let request = request.into_inner();
        let returned = match (request.error, request.result.and_then(|result| result.result)) {
            (Some(error), _) => Returned::Failed(Status::new(Code::from_i32(error.code), error.message)),
            (None, Some(result::Result::Ref(reference))) => {
                Returned::Image(Some(reference.id).filter(|id| !id.is_empty()))
            }
            (None, Some(result::Result::Refs(references))) => {
                Returned::Image(references.refs.into_values().map(|it| it.id).find(|id| !id.is_empty()))
            }
            (None, _) => Returned::Image(None),
        };
        running.returned.send_replace(Some(returned));
        Ok(Response::new(wire::ReturnResponse {}))
    }

    async fn evaluate(&self, _: Request<wire::EvaluateRequest>) -> Answer<wire::EvaluateResponse> {
        // What was built is there; nothing is put off.
        Ok(Response::new(wire::EvaluateResponse {}))
    }

    async fn inputs(&self, _: Request<wire::InputsRequest>) -> Answer<wire::InputsResponse> {
        Ok(Response::new(wire::InputsResponse::default()))
    }

    async fn warn(&self, _: Request<wire::WarnRequest>) -> Answer<wire::WarnResponse> {
        Ok(Response::new(wire::WarnResponse {}))
    }

    async fn resolve_image_config(
        &self,
        _: Request<wire::ResolveImageConfigRequest>,
    ) -> Answer<wire::ResolveImageConfigResponse> {
        Err(absent("reading configurations of images"))
    }

    async fn resolve_source_meta(
        &self,
        _: Request<wire::ResolveSourceMetaRequest>,
    ) -> Answer<wire::ResolveSourceMetaResponse> {
        Err(absent("reading about sources"))
    }

    async fn read_file(&self, _: Request<wire::ReadFileRequest>) -> Answer<wire::ReadFileResponse> {
        Err(absent("reading files of results"))
    }

    async fn read_dir(&self, _: Request<wire::ReadDirRequest>) -> Answer<wire::ReadDirResponse> {
        Err(absent("reading folders of results"))
    }

    async fn stat_file(&self, _: Request<wire::StatFileRequest>) -> Answer<wire::StatFileResponse> {
        Err(absent("looking at files of results"))
    }

    async fn new_container(
        &self,
        _: Request<wire::NewContainerRequest>,
    ) -> Answer<wire::NewContainerResponse> {
        Err(absent("containers inside of a build"))
    }

    async fn release_container(
        &self,
        _: Request<wire::ReleaseContainerRequest>,
    ) -> Answer<wire::ReleaseContainerResponse> {
        Err(absent("containers inside of a build"))
    }

    async fn exec_process(
        &self,
        _: Request<Streaming<wire::ExecMessage>>,
    ) -> Answer<Self::ExecProcessStream> {
        Err(absent("containers inside of a build"))
    }

    async fn read_file_container(&self, _: Request<wire::ReadFileRequest>) -> Answer<wire::ReadFileResponse> {
        Err(absent("containers inside of a build"))
    }

    async fn read_dir_container(&self, _: Request<wire::ReadDirRequest>) -> Answer<wire::ReadDirResponse> {
        Err(absent("containers inside of a build"))
    }

    async fn stat_file_container(&self, _: Request<wire::StatFileRequest>) -> Answer<wire::StatFileResponse> {
        Err(absent("containers inside of a build"))
    }
}

impl BuildKit {
    /// The build that a call belongs to.
    async fn running<T>(&self, request: &Request<T>) -> Result<Arc<Running>, Status> {
        let reference = request.metadata().get(BUILD).and_then(|value| value.to_str().ok());
        let reference = reference.ok_or_else(|| Status::invalid_argument(format!("there is no {BUILD}")))?;
        self.shared.builds.find(reference).await.map_err(|error| status(&error))
    }
}

fn absent(what: &str) -> Status {
    Status::unimplemented(format!("{what} through the gateway is not possible: build a Dockerfile"))
}

fn caps(ids: &[&str]) -> Vec<ApiCap> {
    ids.iter().map(|id| ApiCap { id: (*id).to_owned(), enabled: true, ..ApiCap::default() }).collect()
}

/// What stands for a result where clients pass it to other builds: the image as the source of the only step.
fn definition_of(image: &str) -> pb::Definition {
    let source = pb::SourceOp { identifier: format!("docker-image://{image}"), ..pb::SourceOp::default() };
    let source = pb::Op { op: Some(pb::op::Op::Source(source)), ..pb::Op::default() };
    let bytes = source.encode_to_vec();
    let digest = format!("sha256:{}", hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&bytes)));
    let last = pb::Op { inputs: vec![pb::Input { digest: digest.clone(), index: 0 }], ..pb::Op::default() };
    pb::Definition {
        def: vec![bytes, last.encode_to_vec()],
        metadata: [(digest, pb::OpMetadata::default())].into(),
        ..pb::Definition::default()
    }
}

/// The image that such a definition stands for.
pub(crate) fn image_of(definition: &pb::Definition) -> Option<String> {
    let sources = definition.def.iter().filter_map(|bytes| match pb::Op::decode(&bytes[..]).ok()?.op? {
        pb::op::Op::Source(source) => Some(source.identifier),
        _ => None,
    });
    let sources: Vec<String> = sources.collect();
    match &sources[..] {
        [one] => one.strip_prefix("docker-image://").map(str::to_owned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_known_again() {
        let id = format!("sha256:{}", "a".repeat(64));
        assert_eq!(image_of(&definition_of(&id)), Some(id));
        assert_eq!(image_of(&pb::Definition::default()), None);
    }
}
