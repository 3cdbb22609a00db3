using System.Runtime.InteropServices;
using LoadBalancer.Cluster.Tests.Existing;
using LoadBalancer.LocalCluster.Isolation;
using Xunit.Runner.InProc.SystemConsole;

if (ExistingClusterTests.IsAsked)
{
    return await ConsoleRunner.Run([.. args, "-class", typeof(ExistingClusterTests).FullName!]);
}

// Every address, interface and process of the tests lives in namespaces that go when this run ends, however it ends.
if (PrivateRun.Enter(args) is { } status)
{
    return status;
}

// The first process of a namespace ignores SIGTERM unless it says otherwise; SIGINT is the runner's.
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => Environment.Exit(143));
return await ConsoleRunner.Run(args);
