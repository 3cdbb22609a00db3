using LoadBalancer.Kubectl.Check;

namespace LoadBalancer.Kubectl.Tests.Check;

/// <summary>What <c>check</c> says of files, at which line and column.</summary>
public sealed class CheckTests
{
    private const string Pools = "address-pools:\n- name: default\n  protocol: layer2\n  addresses: [10.0.0.1-10.0.0.2]\n";

    [Fact]
    public void GoodPools_AreWell()
    {
        var report = Check(Pools);

        Assert.True(report.Well);
        Assert.Equal((1, 0, 0), (report.Pools, report.Services, report.Problems.Count));
    }

    [Fact]
    public void BarePools_AreToldWithLineAndColumnOfTheFile()
    {
        var problem = Assert.Single(Check("# pools\naddress-pools:\n- name: x\n  protocol: layer2\n  adresses: [10.0.0.0/24]\n").Problems, problem => problem.Message.Contains("adresses", StringComparison.Ordinal));

        Assert.Equal((5, 3, "error"), (problem.Line, problem.Column, problem.Severity));
        Assert.Contains("addresses", problem.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void PoolsInAConfigMap_AreToldWithLineAndColumnOfTheManifest()
    {
        const string Manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config\ndata:\n  config: |\n    address-pools:\n    - name: x\n      protocol: layer2\n      addresses: [10.0.0.300/32]\n";

        var problem = Assert.Single(Check(Manifest).Problems);

        Assert.Equal((10, 19), (problem.Line, problem.Column));
        Assert.Equal("address-pools[0].addresses[0]", problem.Path);
    }

    [Fact]
    public void SeveralProblems_AreAllTold() =>
        Assert.True(Check("address-pools:\n- name: ''\n  protocol: bgp\n  addresses: [10.0.0.1]\n").Problems.Count >= 3);

    [Fact]
    public void BrokenYaml_IsToldWithItsPlace()
    {
        var problem = Assert.Single(Check("address-pools: [\n- name: x\n").Problems);

        Assert.Equal("error", problem.Severity);
        Assert.True(problem.Line > 0);
    }

    [Fact]
    public void MetalLBsResources_AreToldAsWhatTheyAre()
    {
        var report = Check("apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: p}\nspec: {addresses: [10.0.0.0/24]}\n");

        Assert.False(report.Well);
        Assert.Contains("MetalLB", Assert.Single(report.Problems).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NothingToCheck_IsAnError() => Assert.False(Check("apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n").Well);

    [Fact]
    public void TwoConfigurations_AreAnError() =>
        Assert.Contains(Checker.Check([("a.yaml", Pools), ("b.yaml", Pools)], null).Problems, problem => problem.File == "b.yaml" && problem.Message.Contains("second pool configuration", StringComparison.Ordinal));

    [Theory]
    [InlineData("spec: {type: LoadBalancer, loadBalancerIP: 10.0.9.9, ports: [{port: 80}]}", "AddressOutsidePools")]
    [InlineData("spec: {type: LoadBalancer, loadBalancerIP: nonsense, ports: [{port: 80}]}", "RequestNotAnAddress")]
    [InlineData("spec: {type: LoadBalancer, ipFamilies: [IPv6], ports: [{port: 80}]}", "NoPoolOfFamily")]
    public void ServiceThatWouldGetNothing_IsAnErrorAtItsLine(string spec, string reason)
    {
        var report = Check($"{Pools}---\napiVersion: v1\nkind: Service\nmetadata: {{name: web, namespace: prod}}\n{spec}\n");

        var problem = Assert.Single(report.Problems);
        Assert.Equal((6, "Service prod/web", "error"), (problem.Line, problem.Path, problem.Severity));
        Assert.EndsWith($"[{reason}]", problem.Message, StringComparison.Ordinal);
        Assert.Equal(1, report.Services);
    }

    [Fact]
    public void ServicesAreCheckedTogether_SoThatTheThirdFindsTheTwoAddressesTaken()
    {
        var services = string.Concat(Enumerable.Range(1, 3).Select(static i => $"---\napiVersion: v1\nkind: Service\nmetadata: {{name: s{i}}}\nspec: {{type: LoadBalancer, ports: [{{port: 80}}]}}\n"));

        var problem = Assert.Single(Check(Pools + services).Problems);

        Assert.Equal("Service default/s3", problem.Path);
        Assert.EndsWith("[NoFreeAddress]", problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("spec: {type: ClusterIP, ports: [{port: 80}]}")]
    [InlineData("spec: {type: LoadBalancer, loadBalancerClass: other, loadBalancerIP: 9.9.9.9, ports: [{port: 80}]}")]
    public void ServicesOfOthers_AreNoConcern(string spec) =>
        Assert.True(Check($"{Pools}---\napiVersion: v1\nkind: Service\nmetadata: {{name: web}}\n{spec}\n").Well);

    [Fact]
    public void ServiceThatIsNone_IsAnErrorWithItsLine() =>
        Assert.Equal(6, Assert.Single(Check($"{Pools}---\napiVersion: v1\nkind: Service\nmetadata: {{name: web}}\nspec: {{type: LoadBalancer, ports: many}}\n").Problems).Line);

    [Fact]
    public void Text_IsInTheFormOfCompilers_AndGitHubsIsEscaped()
    {
        var report = new CheckReport { Pools = 0, Services = 0, Problems = [new FileProblem("a,b.yaml", 3, 5, "error", "pools[0]", "50% are\nwrong", "mend it")] };

        Assert.StartsWith("a,b.yaml:3:5: error: pools[0]: 50% are?wrong\n    mend it\n", CheckText.Of(report, isColoured: false), StringComparison.Ordinal);
        Assert.Equal("::error file=a%2Cb.yaml,line=3,col=5,title=pools[0]::50%25 are%0Awrong (mend it)\n", CheckText.ForGitHub(report));
    }

    private static CheckReport Check(string text) => Checker.Check([("pools.yaml", text)], null);
}
