using LoadBalancer.Core.Addressing;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Speaker.Links;

public sealed partial class LinkRunners
{
    [LoggerMessage(EventId = 200, Level = LogLevel.Information, Message = "Link {Link} ({Mac}) opened.")]
    private partial void LogOpened(string link, MacAddress mac);

    [LoggerMessage(EventId = 201, Level = LogLevel.Information, Message = "Link {Link} closed: it is gone, down, or changed its MAC.")]
    private partial void LogClosed(string link);

    [LoggerMessage(EventId = 202, Level = LogLevel.Warning, Message = "Link {Link} stopped receiving: {Reason}. It is opened again.")]
    private partial void LogEnded(string link, string reason);

    [LoggerMessage(EventId = 203, Level = LogLevel.Error, Message = "Cannot open link {Link}, trying again until it works: {Problem}")]
    private partial void LogCannotOpen(string link, string problem);
}
