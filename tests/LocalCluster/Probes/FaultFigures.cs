namespace LoadBalancer.LocalCluster.Probes;

/// <summary>What a client that never stops asking saw of a fault. Times count from the fault.</summary>
/// <param name="Attempts">How many attempts were begun while it lasted.</param>
/// <param name="Failed">How many of those failed.</param>
/// <param name="FailedBefore">How many of the failed were begun before the first that succeeded: the address itself did not answer.</param>
/// <param name="FirstSuccess">When the first success was over, or null if there was none.</param>
/// <param name="LastFailure">When the last failed attempt was begun, or null if none failed.</param>
public sealed record FaultFigures(int Attempts, int Failed, int FailedBefore, TimeSpan? FirstSuccess, TimeSpan? LastFailure)
{
    /// <param name="attempts">What the client tried.</param>
    /// <param name="before">The last moment before the fault: times count from here, so that they are never too good.</param>
    /// <param name="begun">The first moment at which the fault was there: a success that was begun earlier tells nothing.</param>
    /// <param name="end">The last moment of the fault that counts; what was begun until then must be settled.</param>
    public static FaultFigures Of(IEnumerable<ConnectAttempt> attempts, TimeSpan before, TimeSpan begun, TimeSpan end)
    {
        ConnectAttempt[] during = [.. attempts.Where(attempt => attempt.Started >= before && attempt.Started <= end)];
        ConnectAttempt[] failed = [.. during.Where(attempt => !attempt.Success)];
        ConnectAttempt[] succeeded = [.. during.Where(attempt => attempt.Success && attempt.Started >= begun).OrderBy(attempt => attempt.Ended)];
        TimeSpan? first = succeeded.Length == 0 ? null : succeeded[0].Started;
        return new FaultFigures(
            during.Length,
            failed.Length,
            failed.Count(attempt => first is null || attempt.Started < first),
            succeeded.Length == 0 ? null : succeeded[0].Ended - before,
            failed.Length == 0 ? null : failed.Max(attempt => attempt.Started) - before);
    }
}
