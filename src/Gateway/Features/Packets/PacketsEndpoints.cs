using Gateway.Contracts;
using Gateway.Web;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Gateway.Features.Packets;

/// <summary>/api/v1/tunnels/{name}/packets.</summary>
internal static class PacketsEndpoints
{
    public static void MapPackets(this RouteGroupBuilder api) =>
        api.MapPost("/tunnels/{name}/packets", WriteAsync).WithTags("Packets").WithName("WritePacket").WithSummary("Writes one crafted packet to the device or to a peer")
            .Accepts<PacketRequest>("application/json").ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(415).ProducesProblem(422);

    private static async Task<Results<Ok<PacketResponse>, ProblemHttpResult>> WriteAsync(
        string name, JsonBody<PacketRequest> body, PacketService service, CancellationToken cancellationToken)
    {
        if (!body.Read().Succeeded(out var request, out var malformed)) return malformed.ToProblem();
        return (await service.WriteAsync(name, request, cancellationToken)).Succeeded(out var written, out var failure) ? TypedResults.Ok(written) : failure.ToProblem();
    }
}
