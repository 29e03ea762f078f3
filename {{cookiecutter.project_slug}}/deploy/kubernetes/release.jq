# From the images of a release, {"service": "NAME@sha256:DIGEST", "trainer": ...}, to an overlay over
# `$overlay` in which each container has the image of that digest.
def image($kind; $name; $path; $image):
  {target: {kind: $kind, name: $name}, patch: ([{op: "replace", path: $path, value: $image}] | tojson)};
{
  apiVersion: "kustomize.config.k8s.io/v1beta1",
  kind: "Kustomization",
  resources: ["../\($overlay)"],
  patches: [
    image("Deployment"; "service"; "/spec/template/spec/containers/0/image"; .service),
    image("CronJob"; "trainer"; "/spec/jobTemplate/spec/template/spec/containers/0/image"; .trainer)
  ]
}
