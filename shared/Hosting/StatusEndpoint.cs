using Microsoft.AspNetCore.Http;

namespace LoadBalancer.Hosting;

/// <summary>
/// What <c>/status</c> answers: a JSON document that the program's worker makes when somebody asks. Anybody on the network may ask, so one is
/// made at a time, and whoever asks the same within a moment gets the same.
/// </summary>
public sealed class StatusEndpoint : IDisposable
{
    /// <summary>For how long a document is handed out again.</summary>
    public static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(250);

    /// <summary>How long a program may take to say something; its threads answer within milliseconds.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly TimeProvider time;
    private readonly SemaphoreSlim turn = new(1);
    private string lastQuery = "";
    private byte[]? last;
    private long lastAt;

    /// <summary>An endpoint that has nothing to tell yet.</summary>
    public StatusEndpoint(TimeProvider time) => this.time = time;

    /// <summary>Makes the document; null until the worker is there. A <see cref="FormatException"/> says what is wrong with the query.</summary>
    public Func<StatusQuery, CancellationToken, Task<byte[]>>? Source { get; set; }

    /// <summary>Answers one request.</summary>
    public async Task AnswerAsync(HttpContext context)
    {
        var response = context.Response;
        try
        {
            var document = await GetAsync(context.Request.Query, context.RequestAborted).ConfigureAwait(false);
            response.ContentType = "application/json";
            response.Headers.CacheControl = "no-store";
            await response.Body.WriteAsync(document, context.RequestAborted).ConfigureAwait(false);
        }
        catch (FormatException e)
        {
            response.StatusCode = StatusCodes.Status400BadRequest;
            await response.WriteAsync(e.Message + "\n", context.RequestAborted).ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            await response.WriteAsync(e.Message + "\n", context.RequestAborted).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => turn.Dispose();

    private async Task<byte[]> GetAsync(IQueryCollection parameters, CancellationToken stop)
    {
        var query = StatusQuery.Read(parameters);
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, patience.Token);
        try
        {
            await turn.WaitAsync(either.Token).ConfigureAwait(false);
            try
            {
                var source = Source ?? throw new TimeoutException("the program is starting");
                if (last is null || lastQuery != query.ToString() || time.GetElapsedTime(lastAt) >= Moment)
                {
                    last = await source(query, either.Token).WaitAsync(either.Token).ConfigureAwait(false);
                    lastQuery = query.ToString();
                    lastAt = time.GetTimestamp();
                }

                return last;
            }
            finally
            {
                turn.Release();
            }
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new TimeoutException($"the part of the program that knows has not answered within {Patience.TotalSeconds:0} s");
        }
    }
}

/// <summary>What a request to <c>/status</c> asks for.</summary>
/// <param name="Address">The one address to tell everything about, as written; or null.</param>
/// <param name="All">Whether to tell of every address.</param>
public sealed record StatusQuery(string? Address, bool All)
{
    /// <summary>Reads the query; an unknown parameter is refused, so that a misspelt one is noticed.</summary>
    public static StatusQuery Read(IQueryCollection parameters)
    {
        foreach (var (name, _) in parameters)
        {
            if (name is not ("address" or "all"))
            {
                throw new FormatException($"'{name}' is not known here; there is ?address=ADDRESS and ?all");
            }
        }

        var address = parameters["address"].ToString();
        return new StatusQuery(address.Length > 0 ? address : null, parameters.ContainsKey("all"));
    }
}
