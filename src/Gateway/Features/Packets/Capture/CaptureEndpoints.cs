using Gateway.Contracts.Live;
using Gateway.Web;
using Microsoft.AspNetCore.Http.Features;

namespace Gateway.Features.Packets.Capture;

/// <summary>/api/v1/packets and /api/v1/packets.pcapng: live captures.</summary>
internal static class CaptureEndpoints
{
    private const int MaxSeconds = 86_400;

    public static void MapCaptures(this RouteGroupBuilder api)
    {
        const string Parameters = "filter is in tcpdump's language; tunnel, peer (id or name) and verdict (passed, dropped) narrow it down; it ends after count packets or so many seconds, else when the caller leaves.";
        api.MapGet("/packets.pcapng", ([AsParameters] CaptureQuery query, CaptureService service, HttpContext context) => RunAsync(query, Forms.PcapNg, service, context))
            .WithTags("Packets").WithName("CapturePackets").WithSummary("Captures packets as they pass, for tcpdump and Wireshark").WithDescription(Parameters)
            .Produces(200, contentType: "application/x-pcapng").ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(503);
        api.MapGet("/packets", ([AsParameters] CaptureQuery query, CaptureService service, HttpContext context) => RunAsync(query, Forms.Lines, service, context))
            .WithTags("Packets").WithName("StreamPackets").WithSummary("Streams packets as they pass, a JSON object a line").WithDescription(Parameters)
            .Produces<PacketRow>(200, "application/x-ndjson").ProducesProblem(400).ProducesProblem(404).ProducesProblem(503);
    }

    private static async Task<IResult> RunAsync(CaptureQuery query, string form, CaptureService service, HttpContext context)
    {
        if (query.Check() is { } wrong) return wrong.ToProblem();
        var cancellationToken = context.RequestAborted;
        if (!(await service.OpenAsync(query.ToPackets(), form, cancellationToken)).Succeeded(out var watcher, out var failure)) return failure.ToProblem();
        using (watcher)
        {
            context.Response.ContentType = form == Forms.PcapNg ? "application/x-pcapng" : "application/x-ndjson";
            if (form == Forms.PcapNg) context.Response.Headers.ContentDisposition = "attachment; filename=\"gateway.pcapng\"";
            context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
            var limits = new CaptureLimits(query.Count, query.Seconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null);
            try
            {
                if (form == Forms.PcapNg) await service.WritePcapNgAsync(watcher, context.Response.BodyWriter, limits, cancellationToken);
                else await service.WriteLinesAsync(watcher, context.Response.BodyWriter, limits, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // The caller has left: that is how a capture ends.
            }
        }

        return Results.Empty;
    }

    /// <summary>The parameters of a capture.</summary>
    internal sealed record CaptureQuery(string? Filter, string? Tunnel, string? Peer, string? Verdict, int? Count, int? Seconds)
    {
        public PacketsQuery ToPackets() => new() { Filter = Filter, Tunnel = Tunnel, Peer = Peer, Verdict = Verdict };

        public Failure? Check()
        {
            var errors = new List<Contracts.FieldError>();
            if (Count is < 1) errors.Add(new("count", $"{Count} is out of range.", "It is at least 1; left out, there is no limit."));
            if (Seconds is < 1 or > MaxSeconds) errors.Add(new("seconds", $"{Seconds} is out of range.", $"It is 1 to {MaxSeconds}; left out, there is no limit."));
            return errors.Count > 0 ? Failure.Of(FailureKind.Malformed, errors) : null;
        }
    }
}
