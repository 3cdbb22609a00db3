using LoadBalancer.Kubectl.Check;
using LoadBalancer.Kubectl.Migrate;

namespace LoadBalancer.Kubectl.Tests.Migrate;

/// <summary>Whatever is converted passes <c>check</c>, and what is lost is named.</summary>
public sealed class MigrationTests
{
    [Fact]
    public void MetalLBsResources_BecomeOurConfigMap()
    {
        var migration = Migrate(
            """
            apiVersion: metallb.io/v1beta1
            kind: IPAddressPool
            metadata: {name: first, namespace: metallb-system}
            spec:
              addresses: [192.168.10.0/24, 192.168.9.1-192.168.9.5]
              autoAssign: false
              avoidBuggyIPs: true
              serviceAllocation: {priority: 50, namespaces: [prod]}
            ---
            apiVersion: metallb.io/v1beta1
            kind: L2Advertisement
            metadata: {name: adv, namespace: metallb-system}
            spec: {ipAddressPools: [first], interfaces: [eth0]}
            ---
            apiVersion: metallb.io/v1beta2
            kind: BGPPeer
            metadata: {name: peer}
            spec: {myASN: 64500}
            """);

        Assert.Equal(Origin.MetalLB, migration.From);
        Assert.Contains(migration.Losses, loss => loss.StartsWith("BGPPeer 'peer'", StringComparison.Ordinal));
        var pool = Assert.Single(Passed(migration).Pools);
        Assert.Equal(("first", false, true, 50), (pool.Name, pool.AutoAssign, pool.AvoidBuggyIps, pool.Priority));
        Assert.Equal(["prod"], pool.Namespaces);
        Assert.Equal(["eth0"], pool.Interfaces);
    }

    [Fact]
    public void MetalLBsConfigMap_IsTakenAsItIs()
    {
        const string Pools = "address-pools:\n- name: default\n  protocol: layer2\n  addresses:\n  - 192.168.1.240-192.168.1.250\n";
        var migration = Migrate($"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: config, namespace: metallb-system}}\ndata:\n  config: |\n{string.Concat(Pools.Split('\n').Select(static line => $"    {line}\n"))}");

        Assert.Equal((Origin.MetalLBConfigMap, Pools.TrimEnd()), (migration.From, migration.Pools.TrimEnd()));
        Assert.Empty(migration.Losses);
        Assert.Single(Passed(migration).Pools);
    }

    [Fact]
    public void MetalLBsConfigMapWithBgp_IsConvertedAndDoesNotPass()
    {
        var migration = Migrate("address-pools:\n- {name: a, protocol: bgp, addresses: [10.0.0.0/24]}\npeers: [{peer-address: 10.0.0.1}]\n");

        Assert.False(migration.Well);
        Assert.NotEmpty(migration.Problems);
    }

    [Fact]
    public void KubeVipsConfigMap_BecomesAPoolForEachNamespace()
    {
        var migration = Migrate(
            """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: kubevip, namespace: kube-system}
            data:
              cidr-global: 192.168.0.220/29
              range-prod: 192.168.1.10-192.168.1.20,192.168.1.30-192.168.1.40
              interface-prod: eth1
              cidr-test: 192.168.3.1
              allow-share-prod: "true"
              search-order-global: desc
              cidr-dhcp: 0.0.0.0/32
              other: x
            """);

        Assert.Equal(Origin.KubeVip, migration.From);
        var pools = Passed(migration).Pools;
        Assert.Equal(["default", "prod", "test"], pools.Select(pool => pool.Name).Order());
        var prod = pools.Single(pool => pool.Name == "prod");
        Assert.Equal((2, "prod", "eth1"), (prod.Ranges.Count, Assert.Single(prod.Namespaces), Assert.Single(prod.Interfaces)));
        Assert.Equal(4, migration.Losses.Count);
        Assert.Contains(migration.Losses, loss => loss.StartsWith("0.0.0.0/32 of 'dhcp'", StringComparison.Ordinal));
    }

    [Fact]
    public void SomethingElse_IsNoMigration() => Assert.Null(Migration.Of(["apiVersion: v1\nkind: Service\nmetadata: {name: x}\n"]));

    private static Migration Migrate(string text) => Migration.Of([text]) ?? throw new InvalidOperationException("nothing was found to convert");

    // The manifest as a user would apply it, read back as `check` reads it.
    private static Core.Pools.PoolConfig Passed(Migration migration)
    {
        var manifest = migration.ToManifest("loadbalancer-system", "config");
        Assert.True(migration.Well);
        Assert.True(Checker.Check([("pools.yaml", manifest)], null).Well, manifest);
        return Assert.Single(ManifestText.Read(manifest).Configs).Result.Config!;
    }
}
