using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Faults;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Storage;

namespace LoadBalancer.LocalCluster.ApiServer.Requests;

/// <summary>WATCH (Kubernetes API concepts, "Efficient detection of changes", "Watch bookmarks", "Streaming lists").</summary>
public sealed class Watches(ObjectStore store, TimeProvider time, FaultInjection faults)
{
    private const int DefaultTimeoutSeconds = 1800;
    private static readonly TimeSpan BookmarkInterval = TimeSpan.FromMinutes(1);

    // A last bookmark goes out shortly before the end, so that the next watch resumes close to where this one was.
    private static readonly TimeSpan BookmarkBeforeEnd = TimeSpan.FromSeconds(2);

    public async Task WatchAsync(ApiContext context)
    {
        var watch = new Watch(context, time,
            Selectors.Parse(context.Query("labelSelector"), context.Query("fieldSelector"), context.Kind.Collection));
        var version = Begin(context, watch);

        using var end = new CancellationTokenSource(Timeout(context), time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(end.Token, faults.WatchesCut, context.Http.RequestAborted);
        context.Http.Response.ContentType = "application/json";
        var expired = faults.WatchesExpired;
        try
        {
            await watch.FlushAsync(stop.Token);
            await FollowAsync(watch, version, expired, stop.Token);
        }
        catch (OperationCanceledException) when (!context.Http.RequestAborted.IsCancellationRequested)
        {
            // The time is up: the stream just ends. Cut by a fault: so does the connection.
            if (!end.IsCancellationRequested)
                context.Http.Abort();
        }
    }

    private long Begin(ApiContext context, Watch watch)
    {
        var asked = context.Query("resourceVersion");
        if (asked.Length > 0 && !long.TryParse(asked, CultureInfo.InvariantCulture, out _))
            throw new ApiException(500, "", $"resourceVersion: Invalid value: \"{asked}\": strconv.ParseUint: parsing \"{asked}\": invalid syntax");
        var streamList = context.Query("sendInitialEvents") is "true" or "1";
        if (streamList && context.Query("resourceVersionMatch") != "NotOlderThan")
        {
            throw ApiException.ListOptionsForbidden("resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
        }

        if (!streamList && asked.Length > 0 && asked != "0")
        {
            // One from too far back is told so by the first event: kube-apiserver answers 200 and then ERROR, too.
            return long.Parse(asked, CultureInfo.InvariantCulture);
        }

        // No version, or 0: the objects there are come first, as if they had just been added.
        var snapshot = store.Read(context.Kind.Collection);
        foreach (var stored in snapshot.Objects.Values)
            watch.Write(new Change(ChangeType.Added, stored, null));
        if (watch.WantsBookmarks)
            watch.WriteBookmark(snapshot.Version, initialEventsEnd: true);
        return snapshot.Version;
    }

    private async Task FollowAsync(Watch watch, long version, CancellationToken expired, CancellationToken stop)
    {
        var bookmarkAt = watch.NextBookmark(BookmarkInterval, BookmarkBeforeEnd);
        while (true)
        {
            var (changes, current, next) = store.ChangesAfter(watch.Context.Kind.Collection, version);
            if (changes is null || expired.IsCancellationRequested)
            {
                watch.WriteError(ApiException.Gone(version, current));
                await watch.FlushAsync(stop);
                return;
            }

            foreach (var change in changes)
                watch.Write(change);
            version = current;
            if (watch.WantsBookmarks && time.GetUtcNow() >= bookmarkAt)
            {
                watch.WriteBookmark(version, initialEventsEnd: false);
                bookmarkAt = watch.NextBookmark(BookmarkInterval, BookmarkBeforeEnd);
            }

            await watch.FlushAsync(stop);
            await WaitAsync(next, bookmarkAt, expired, stop);
        }
    }

    private async Task WaitAsync(Task next, DateTimeOffset bookmarkAt, CancellationToken expired, CancellationToken stop)
    {
        var left = bookmarkAt - time.GetUtcNow();
        using var wake = CancellationTokenSource.CreateLinkedTokenSource(stop, expired);
        using var timer = new CancellationTokenSource(left > TimeSpan.FromMilliseconds(1) ? left : TimeSpan.FromMilliseconds(1), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(wake.Token, timer.Token);
        try
        {
            await next.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            // A bookmark is due, or the watch has expired: the loop sees to it.
        }
    }

    private static TimeSpan Timeout(ApiContext context) =>
        TimeSpan.FromSeconds(int.TryParse(context.Query("timeoutSeconds"), CultureInfo.InvariantCulture, out var s) && s > 0 ? s : DefaultTimeoutSeconds);

    /// <summary>One open watch: what it selects and the stream it writes to.</summary>
    private sealed class Watch(ApiContext context, TimeProvider time, Selectors selectors)
    {
        private readonly PipeWriter _output = context.Http.Response.BodyWriter;
        private readonly DateTimeOffset _end = time.GetUtcNow() + Timeout(context);
        private bool _columnsSent;

        public ApiContext Context => context;

        public bool WantsBookmarks { get; } = context.Query("allowWatchBookmarks") is "true" or "1";

        public DateTimeOffset NextBookmark(TimeSpan interval, TimeSpan beforeEnd)
        {
            var regular = time.GetUtcNow() + interval;
            var last = _end - beforeEnd;
            return regular < last || last <= time.GetUtcNow() ? regular : last;
        }

        public void Write(Change change)
        {
            if (context.Info.Namespace.Length > 0 && change.Object.Namespace != context.Info.Namespace)
                return;
            var was = change.Previous is { } previous && selectors.Match(previous.Json);
            var matches = change.Type != ChangeType.Deleted && selectors.Match(change.Object.Json);
            if (matches)
                Write(was ? "MODIFIED" : "ADDED", change.Object);
            else if (was)
                Write("DELETED", change.Type == ChangeType.Deleted ? change.Object : LastMatching(change));
        }

        public void WriteBookmark(long version, bool initialEventsEnd)
        {
            var metadata = new JsonObject { ["resourceVersion"] = version.ToString(CultureInfo.InvariantCulture), ["creationTimestamp"] = null };
            if (initialEventsEnd)
                metadata["annotations"] = new JsonObject { ["k8s.io/initial-events-end"] = "true" };
            var mark = new JsonObject { ["kind"] = context.Kind.Kind, ["apiVersion"] = context.Kind.ApiVersion, ["metadata"] = metadata };
            if (context.WantsTable)
                mark = context.Table([], ApiContext.Versions(version), time.GetUtcNow(), withColumns: false);
            WriteLine("BOOKMARK", JsonText.ToUtf8(mark));
        }

        public void WriteError(ApiException error) => WriteLine("ERROR", JsonText.ToUtf8(error.ToStatus()));

        public async ValueTask FlushAsync(CancellationToken cancellationToken) => await _output.FlushAsync(cancellationToken);

        private void Write(string type, StoredObject stored)
        {
            if (!context.WantsTable)
            {
                WriteLine(type, context.ServedUtf8(stored));
                return;
            }

            var table = context.Table([context.Served(stored)], ApiContext.Versions(stored.Version), time.GetUtcNow(), !_columnsSent);
            _columnsSent = true;
            WriteLine(type, JsonText.ToUtf8(table));
        }

        // An object that no longer matches is deleted as far as this watch goes: its last matching state, under the new version.
        private static StoredObject LastMatching(Change change)
        {
            var last = change.Previous!.Json.DeepClone().AsObject();
            last.Need("metadata")["resourceVersion"] = change.Version.ToString(CultureInfo.InvariantCulture);
            return new StoredObject(last, change.Version);
        }

        private void WriteLine(string type, ReadOnlySpan<byte> body)
        {
            _output.Write("{\"type\":\""u8);
            _output.Write(System.Text.Encoding.ASCII.GetBytes(type));
            _output.Write("\",\"object\":"u8);
            _output.Write(body);
            _output.Write("}\n"u8);
        }
    }
}
