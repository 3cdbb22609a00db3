using Microsoft.Extensions.Logging;

namespace LoadBalancer.Controller;

internal sealed partial class ControllerWorker
{
    [LoggerMessage(EventId = 130, Level = LogLevel.Information, Message = "The API server is {Server} (by {Origin}).")]
    private partial void LogStarting(Uri server, string origin);
}
