//! Pipelines against strict servers of their kind, with everything going wrong that was seen to.

#[path = "../common/mod.rs"]
mod common;

mod argocd;
mod aws;
mod aws_server;
mod buildbot;
mod buildbot_peer;
mod codebuild;
mod codedeploy;
mod codepipeline;
mod contract;
mod generic;
mod generic_server;
mod github;
mod gitlab;
mod gitlab_peer;
mod gitlab_server;
mod jenkins;
mod jenkins_peer;
mod kubernetes;
mod kubernetes_server;
