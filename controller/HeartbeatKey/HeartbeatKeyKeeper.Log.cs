using Microsoft.Extensions.Logging;

namespace LoadBalancer.Controller.HeartbeatKey;

internal sealed partial class HeartbeatKeyKeeper
{
    [LoggerMessage(EventId = 120, Level = LogLevel.Information, Message = "Created the Secret with the speakers' heartbeat key.")]
    private partial void LogCreated();

    [LoggerMessage(EventId = 121, Level = LogLevel.Warning,
        Message = "The Secret with the heartbeat key could not be created; it is tried again.")]
    private partial void LogFailed(Exception exception);
}
