using LoadBalancer.LocalCluster.ApiServer.Json;

namespace LoadBalancer.Manifests.Tests.Stack;

/// <summary>What one object says of another is true: the API server checks none of it.</summary>
public sealed class StackReferenceTests
{
    /// <summary>What every cluster has.</summary>
    private static readonly string[] BuiltInRoles = ["system:auth-delegator", "extension-apiserver-authentication-reader"];

    /// <summary>Namespaces a kustomization takes for granted: built in, or of what the page says is installed before.</summary>
    private static readonly string[] KnownNamespaces = ["default", "kube-system", "loadbalancer-system"];

    public static TheoryData<string> Applied => Kustomization.Applied;

    [Theory]
    [MemberData(nameof(Applied))]
    public void Namespace_ExistsOrIsOneOfTheClustersOwn(string folder)
    {
        var kustomization = Kustomization.Of(folder);
        var known = kustomization.OfKind("Namespace").Select(Manifests.Name).Concat(KnownNamespaces)
            // values.yaml says to create it first.
            .Concat(folder == "kube-prometheus-stack" ? ["monitoring"] : []).ToArray();
        Assert.All(kustomization.Objects.Select(o => o.Text("metadata", "namespace")).Where(ns => ns.Length > 0), ns => Assert.Contains(ns, known));
    }

    [Theory]
    [MemberData(nameof(Applied))]
    public void Workload_SelectsThePodsOfItsTemplateAndNoOthers(string folder)
    {
        var workloads = Kustomization.Of(folder).Workloads.ToArray();
        Assert.All(workloads, workload => Assert.All(
            workloads.Where(other => other.Text("metadata", "namespace") == workload.Text("metadata", "namespace")),
            other => Assert.Equal(
                ReferenceEquals(workload, other),
                Manifests.Selects(workload.At("spec", "selector"), other.At("spec", "template", "metadata", "labels")))));
    }

    [Theory]
    [MemberData(nameof(Applied))]
    public void Service_SelectsOneKindOfPodThatHasItsPorts(string folder) => Assert.All(Kustomization.Of(folder).OfKind("Service"), service =>
    {
        var selected = PodsBeside(folder).Where(pod => pod.Namespace == service.Text("metadata", "namespace") && pod.IsSelectedBy(service.Map("spec", "selector")!));
        var pod = Assert.Single(selected);
        Assert.All(service.Objects("spec", "ports"), port =>
            Assert.True(pod.HasPort(port.Text("targetPort")), $"{Manifests.Title(service)}: {pod.Title} has no port {port.Text("targetPort")}"));
    });

    [Theory]
    [InlineData("monitoring", "prometheus", 8080, 30003)]
    [InlineData("monitoring", "grafana", 3000, 30004)]
    [InlineData("monitoring", "alertmanager", 9093, null)]
    [InlineData("ingress-nginx", "ingress-nginx-controller", 80, null)]
    public void Service_IsReachedThroughTheLoadBalancerOnItsPort(string ns, string name, int port, int? nodePort)
    {
        var service = Kustomization.Of(ns).Find("Service", ns, name)!;
        Assert.Equal("LoadBalancer", service.Text("spec", "type"));
        var first = service.Objects("spec", "ports").First();
        Assert.Equal(port, first.Number("port"));
        Assert.Equal(nodePort, first.Number("nodePort"));
    }

    [Theory]
    [MemberData(nameof(Applied))]
    public void Pod_RunsAsAServiceAccountThatExistsOrWithoutAToken(string folder) => Assert.All(Kustomization.Of(folder).Pods, pod =>
    {
        var account = pod.Spec.Text("serviceAccountName");
        Assert.True(
            account.Length == 0 ? pod.Spec.Flag("automountServiceAccountToken") == false : Kustomization.Of(folder).Find("ServiceAccount", pod.Namespace, account) is not null,
            $"{pod.Title}: {account}");
    });

    [Theory]
    [MemberData(nameof(Applied))]
    public void Binding_BindsARoleThatExistsToAServiceAccountThatExists(string folder)
    {
        var kustomization = Kustomization.Of(folder);
        Assert.All(kustomization.Objects.Where(o => o.Text("kind") is "RoleBinding" or "ClusterRoleBinding"), binding =>
        {
            var (kind, name) = (binding.Text("roleRef", "kind"), binding.Text("roleRef", "name"));
            Assert.True(
                BuiltInRoles.Contains(name) || kustomization.Find(kind, kind == "Role" ? binding.Text("metadata", "namespace") : "", name) is not null,
                $"{Manifests.Title(binding)}: {kind} {name}");
            Assert.All(binding.Objects("subjects"), subject =>
                Assert.NotNull(kustomization.Find("ServiceAccount", subject.Text("namespace"), subject.Text("name"))));
        });
    }

    [Theory]
    [MemberData(nameof(Applied))]
    public void Volume_IsMadeOfWhatExists(string folder) => Assert.All(Kustomization.Of(folder).Pods, pod =>
    {
        var volumes = pod.Spec.Objects("volumes").ToArray();
        Assert.All(pod.AllContainers.SelectMany(container => container.Objects("volumeMounts")), mount =>
            Assert.Contains(mount.Text("name"), volumes.Select(volume => volume.Text("name"))));
        Assert.All(volumes, volume =>
        {
            if (volume.Text("configMap", "name") is { Length: > 0 } map)
            {
                Assert.NotNull(Kustomization.Of(folder).Find("ConfigMap", pod.Namespace, map));
            }

            if (volume.Text("persistentVolumeClaim", "claimName") is { Length: > 0 } claim)
            {
                Assert.NotNull(Kustomization.Of(folder).Find("PersistentVolumeClaim", pod.Namespace, claim));
            }

            if (volume.Text("secret", "secretName") is { Length: > 0 } secret)
            {
                AssertDocumented(pod.Namespace, secret);
            }
        });
    });

    [Theory]
    [MemberData(nameof(Applied))]
    public void Secret_ThatIsRead_IsDocumentedAsTheUsersToCreate(string folder) => Assert.All(
        Kustomization.Of(folder).Pods.SelectMany(pod => pod.AllContainers.SelectMany(c => c.Objects("env")).Select(env => (pod.Namespace, Reference: env.At("valueFrom", "secretKeyRef")))),
        env =>
        {
            if (env.Reference is not null)
            {
                Assert.Null(env.Reference.Flag("optional"));
                AssertDocumented(env.Namespace, env.Reference.Text("name"), env.Reference.Text("key"));
            }
        });

    [Fact]
    public void Claim_AndVolume_AreMadeForEachOther()
    {
        var monitoring = Kustomization.Of("monitoring");
        var claims = monitoring.OfKind("PersistentVolumeClaim").ToArray();
        Assert.Equal(["grafana-data", "prometheus-data"], claims.Select(Manifests.Name).Order(StringComparer.Ordinal));
        Assert.All(claims, claim =>
        {
            var volume = monitoring.Find("PersistentVolume", "", claim.Text("spec", "volumeName"))!;
            Assert.Equal((Manifests.Name(claim), "monitoring"), (volume.Text("spec", "claimRef", "name"), volume.Text("spec", "claimRef", "namespace")));
            Assert.Equal(claim.Text("spec", "storageClassName"), volume.Text("spec", "storageClassName"));
            Assert.Equal(claim.Text("spec", "resources", "requests", "storage"), volume.Text("spec", "capacity", "storage"));
            Assert.Equal(claim.Strings("spec", "accessModes"), volume.Strings("spec", "accessModes"));
            Assert.Equal("Retain", volume.Text("spec", "persistentVolumeReclaimPolicy"));
            Assert.Equal($"/opt/{Manifests.Name(claim).Split('-')[0]}", volume.Text("spec", "hostPath", "path"));
            var expression = volume.Objects("spec", "nodeAffinity", "required", "nodeSelectorTerms").Single().Objects("matchExpressions").Single();
            Assert.Equal(("system.rule", "In"), (expression.Text("key"), expression.Text("operator")));
            Assert.Equal(["monitoring"], expression.Strings("values"));
        });
    }

    [Fact]
    public void Ingress_LeadsToAServicePortThroughTheClassThatIsInstalled()
    {
        var example = Kustomization.Of("examples/springboot");
        var ingress = Assert.Single(example.OfKind("Ingress"));
        Assert.Contains(ingress.Text("spec", "ingressClassName"), Kustomization.Of("ingress-nginx").OfKind("IngressClass").Select(Manifests.Name));
        var path = ingress.Objects("spec", "rules").Single().Objects("http", "paths").Single();
        Assert.Equal("/springboot", path.Text("path"));
        var service = example.Find("Service", "default", path.Text("backend", "service", "name"))!;
        Assert.Contains(path.Text("backend", "service", "port", "name"), service.Objects("spec", "ports").Select(port => port.Text("name")));
    }

    [Fact]
    public void IngressNginx_HasNoAdmissionWebhook_SoThatNoIngressIsRefusedWhileItStarts()
    {
        var ingress = Kustomization.Of("ingress-nginx");
        Assert.Empty(ingress.OfKind("ValidatingWebhookConfiguration"));
        var arguments = ingress.Pods.Single().Containers.Single().Strings("args").ToArray();
        Assert.DoesNotContain(arguments, argument => argument.Contains("webhook", StringComparison.Ordinal));
        Assert.Contains("--configmap=$(POD_NAMESPACE)/ingress-nginx-controller", arguments);
        Assert.NotNull(ingress.Find("ConfigMap", "ingress-nginx", "ingress-nginx-controller"));
        Assert.Contains("--publish-service=$(POD_NAMESPACE)/ingress-nginx-controller", arguments);
        var controller = arguments.Single(argument => argument.StartsWith("--controller-class=", StringComparison.Ordinal)).Split('=')[1];
        Assert.Equal(controller, Assert.Single(ingress.OfKind("IngressClass")).Text("spec", "controller"));
    }

    [Fact]
    public void ApiService_LeadsToAServicePortThatExists()
    {
        var metrics = Kustomization.Of("metrics-server");
        var api = Assert.Single(metrics.OfKind("APIService"));
        Assert.Equal($"{api.Text("spec", "version")}.{api.Text("spec", "group")}", Manifests.Name(api));
        var service = metrics.Find("Service", api.Text("spec", "service", "namespace"), api.Text("spec", "service", "name"))!;
        Assert.Contains(service.Objects("spec", "ports"), port => port.Number("port") == api.Number("spec", "service", "port"));
    }

    [Fact]
    public void Monitors_FindOurPrograms()
    {
        var stack = Kustomization.Of("kube-prometheus-stack");
        var monitor = Assert.Single(stack.OfKind("ServiceMonitor"));
        var service = Assert.Single(stack.OfKind("Service"));
        Assert.True(Manifests.Selects(monitor.At("spec", "selector"), service.At("metadata", "labels")));
        Assert.Equal(monitor.Text("metadata", "namespace"), service.Text("metadata", "namespace"));
        Assert.Contains(monitor.Objects("spec", "endpoints").Single().Text("port"), service.Objects("spec", "ports").Select(port => port.Text("name")));

        var pods = Assert.Single(stack.OfKind("PodMonitor"));
        var speaker = Manifests.Workload("speaker");
        Assert.True(Manifests.Selects(pods.At("spec", "selector"), speaker.At("spec", "template", "metadata", "labels")));
        Assert.False(Manifests.Selects(pods.At("spec", "selector"), Manifests.Workload("controller").At("spec", "template", "metadata", "labels")));
        Assert.Contains(pods.Objects("spec", "podMetricsEndpoints").Single().Text("port"), Manifests.Container(speaker).Objects("ports").Select(port => port.Text("name")));
    }

    private static IEnumerable<PodShape> PodsBeside(string folder) => folder == "kube-prometheus-stack"
        ? Manifests.Workloads.Select(o => new PodShape(Manifests.Title(o), Manifests.Namespace, o.At("spec", "template", "metadata", "labels"), Manifests.PodSpec(o)))
        : Kustomization.Of(folder).Pods;

    private static void AssertDocumented(string ns, string secret, string? key = null)
    {
        var command = ProjectFiles.Read("docs", "getting-started.md").Split('\n')
            .FirstOrDefault(line => line.Contains($"kubectl -n {ns} create secret generic {secret} ", StringComparison.Ordinal));
        Assert.True(command is not null, $"docs/getting-started.md does not say how to create the Secret {ns}/{secret}");
        Assert.Contains($"--from-literal={key ?? "user"}=", command, StringComparison.Ordinal);
    }
}
