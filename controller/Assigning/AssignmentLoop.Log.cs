using Microsoft.Extensions.Logging;

namespace LoadBalancer.Controller.Assigning;

internal sealed partial class AssignmentLoop
{
    [LoggerMessage(EventId = 100, Level = LogLevel.Information,
        Message = "Leading: this replica gives out the addresses. The cluster has {Services} Services.")]
    private partial void LogLeading(int services);

    [LoggerMessage(EventId = 101, Level = LogLevel.Information, Message = "Not leading any more: this replica gives out nothing.")]
    private partial void LogStopped();

    [LoggerMessage(EventId = 102, Level = LogLevel.Warning, Message = "Leading, but the Services could not be listed; trying again.")]
    private partial void LogRefreshFailed(Exception exception);

    [LoggerMessage(EventId = 103, Level = LogLevel.Warning,
        Message = "A status write was given up and may still land; the Lease is kept until it no longer can.")]
    private partial void LogWaitingForWrites();
}
