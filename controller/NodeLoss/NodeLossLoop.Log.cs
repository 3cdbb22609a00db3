using LoadBalancer.Core.NodeLoss;
using Microsoft.Extensions.Logging;

namespace LoadBalancer.Controller.NodeLoss;

/// <content>Its log messages.</content>
internal sealed partial class NodeLossLoop
{
    [LoggerMessage(EventId = 1300, Level = LogLevel.Warning, Message = "Node {Node} is said to be lost by the speaker of {Reporter}; {Agreed} speakers agree")]
    private partial void LogStated(string node, string reporter, int agreed);

    [LoggerMessage(EventId = 1301, Level = LogLevel.Warning, Message = "The pods of node {Node} are not marked: {Veto}")]
    private partial void LogRefused(string node, LossVeto veto);

    [LoggerMessage(EventId = 1302, Level = LogLevel.Warning,
        Message = "Node {Node} is lost: {Pods} pods of {Services} Services marked not ready {Milliseconds:0} ms after its last sign of life")]
    private partial void LogMarked(string node, int pods, int services, double milliseconds);

    [LoggerMessage(EventId = 1303, Level = LogLevel.Warning, Message = "The pods of lost node {Node} could not be marked and are tried again: {Error}")]
    private partial void LogNotMarked(string node, string error);

    [LoggerMessage(EventId = 1304, Level = LogLevel.Warning, Message = "What became of the loss of node {Node} could not be recorded: {Error}")]
    private partial void LogNotEntered(string node, string error);

    [LoggerMessage(EventId = 1305, Level = LogLevel.Warning, Message = "The pods of node {Node} were marked and it was alive: {Why}")]
    private partial void LogFalseAlarm(string node, string why);
}
