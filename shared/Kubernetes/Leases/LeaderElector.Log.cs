using LoadBalancer.Kubernetes.Resources;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Kubernetes.Leases;

/// <summary>The elector's log messages, 2010 to 2019.</summary>
public sealed partial class LeaderElector
{
    [LoggerMessage(EventId = 2010, Level = LogLevel.Information, Message = "{Identity} is the leader by Lease {Lease}")]
    private partial void LogStarted(string identity, ObjectKey lease);

    private void LogFailure(string error)
    {
        if (++failures == 1)
        {
            LogAttemptFailed(options.Lease, error);
        }
        else
        {
            LogAttemptFailedAgain(options.Lease, failures, error);
        }
    }

    [LoggerMessage(EventId = 2011, Level = LogLevel.Information, Message = "{Identity} is no longer the leader by Lease {Lease}")]
    private partial void LogStopped(string identity, ObjectKey lease);

    [LoggerMessage(EventId = 2012, Level = LogLevel.Warning,
        Message = "{Identity} has lost Lease {Lease}: it is held by '{Holder}' now")]
    private partial void LogTaken(string identity, ObjectKey lease, string holder);

    [LoggerMessage(EventId = 2013, Level = LogLevel.Warning, Message = "Lease {Lease} could not be read or written: {Error}")]
    private partial void LogAttemptFailed(ObjectKey lease, string error);

    [LoggerMessage(EventId = 2014, Level = LogLevel.Debug,
        Message = "Lease {Lease} could not be read or written, {Failures} times in a row: {Error}")]
    private partial void LogAttemptFailedAgain(ObjectKey lease, int failures, string error);
}
