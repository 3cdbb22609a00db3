using LoadBalancer.Cluster.Tests.Existing;
using LoadBalancer.LocalCluster.Isolation;
using Xunit.Runner.InProc.SystemConsole;

if (ExistingClusterTests.IsAsked)
{
    return await ConsoleRunner.Run([.. args, "-class", typeof(ExistingClusterTests).FullName!]);
}

// Every address, interface and process of the tests lives in namespaces that go when this run ends, however it ends.
return PrivateRun.Enter(args) ?? await ConsoleRunner.Run(args);
