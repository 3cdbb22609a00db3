using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace LoadBalancer.LocalCluster.ApiServer.Requests;

/// <summary>GET of <c>pods/NAME/log</c>, with <c>tailLines</c>.</summary>
public sealed class PodLog(Func<string, string>? fileOf)
{
    public async Task AnswerAsync(ApiContext context)
    {
        string? file = fileOf?.Invoke(context.Info.Name);
        if (file is null || !File.Exists(file))
            throw ApiException.NotFound(context.Kind, context.Info.Name);
        string[] lines = await File.ReadAllLinesAsync(file, context.Http.RequestAborted);
        int last = context.Query("tailLines") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : lines.Length;
        context.Http.Response.ContentType = "text/plain";
        await context.Http.Response.WriteAsync(string.Concat(lines.TakeLast(last).Select(line => line + "\n")), context.Http.RequestAborted);
    }
}
