using System.Text.Json.Nodes;
using LoadBalancer.LocalCluster.ApiServer.Access;
using LoadBalancer.LocalCluster.ApiServer.Json;
using LoadBalancer.LocalCluster.ApiServer.Kinds;
using LoadBalancer.LocalCluster.ApiServer.Storage;
using LoadBalancer.LocalCluster.ApiServer.Tables;
using Microsoft.AspNetCore.Http;

namespace LoadBalancer.LocalCluster.ApiServer.Requests;

/// <summary>One request for a resource: what it asks for, how it wants the answer, and the answering.</summary>
public sealed class ApiContext(HttpContext http, RequestInfo info, User user, ResourceKind kind)
{
    private readonly string? _table = TableFormat.Requested(http.Request);

    public HttpContext Http => http;

    public RequestInfo Info => info;

    public User User => user;

    public ResourceKind Kind => kind;

    /// <summary>Whether the write is to be checked but not stored.</summary>
    public bool DryRun => Query("dryRun") == "All";

    public bool WantsTable => _table is not null;

    public string Query(string name) => http.Request.Query[name].ToString();

    /// <summary>A stored object as this request's version has it.</summary>
    public JsonObject Served(StoredObject stored)
    {
        if (kind.Conversion is null)
            return stored.Json;
        var copy = stored.Json.DeepClone().AsObject();
        kind.Conversion.ToServed(copy);
        copy["apiVersion"] = kind.ApiVersion;
        return copy;
    }

    /// <summary>The same as JSON text; made once per stored state where no conversion is needed.</summary>
    public byte[] ServedUtf8(StoredObject stored) => kind.Conversion is null ? stored.Utf8 : JsonText.ToUtf8(Served(stored));

    /// <summary>The same as an item of a list, where built-in kinds go without apiVersion and kind.</summary>
    public ReadOnlyMemory<byte> ListItemUtf8(StoredObject stored)
    {
        if (kind.IsCustom)
            return stored.Utf8;
        if (kind.Conversion is null)
            return stored.Utf8WithoutKind;
        var item = Served(stored);
        item.Remove("kind");
        item.Remove("apiVersion");
        return JsonText.ToUtf8(item);
    }

    /// <summary>The object as the table form asked for: rows of printed cells.</summary>
    public JsonObject Table(IEnumerable<JsonObject> objects, JsonObject? listMetadata, DateTimeOffset now, bool withColumns = true) =>
        TableFormat.Render(kind, objects, listMetadata, Query("includeObject"), _table!, now, withColumns);

    public Task AnswerAsync(StoredObject stored, int status, DateTimeOffset now) => WantsTable
        ? AnswerAsync(Table([Served(stored)], Versions(stored.Version), now), status)
        : AnswerAsync(ServedUtf8(stored), status);

    public Task AnswerAsync(JsonNode body, int status = 200) => AnswerAsync(JsonText.ToUtf8(body), status);

    public static JsonObject Versions(long version) => new() { ["resourceVersion"] = version.ToString(System.Globalization.CultureInfo.InvariantCulture) };

    private async Task AnswerAsync(byte[] body, int status)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = body.Length;
        await http.Response.Body.WriteAsync(body, http.RequestAborted);
    }
}
