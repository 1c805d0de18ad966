using System.Net;
using System.Text.Json.Nodes;
using Gateway.Contracts;
using Gateway.Data;

namespace Gateway.Features.Explain.Reasoning;

/// <summary>The remedies, as requests to the API with the way back, or as commands.</summary>
internal static class RemedyOf
{
    public static Remedy Change(string text, IReadOnlyList<ApiCall> apply, IReadOnlyList<ApiCall> undo) => new() { Kind = RemedyKinds.Change, Text = text, Apply = apply, Undo = undo };

    public static Remedy Instruction(string machine, string text, params string[] commands) =>
        new() { Kind = RemedyKinds.Instruction, Text = text, Machine = machine, Commands = commands };

    /// <summary>A new route of a peer.</summary>
    public static Remedy AddRoute(string text, Guid peer, IPNetwork prefix, string installOn) =>
        Change(text, [AddRouteCall(peer, prefix, installOn, null)], [new ApiCall("DELETE", "routes/{id}", null)]);

    /// <summary>A gateway route that the kernel shall know as well.</summary>
    public static Remedy RouteIntoKernel(string text, Guid peer, RouteEvidence route) => Change(text,
        [DeleteRouteCall(route.Id), AddRouteCall(peer, route.Prefix, InstallOn.Gateway, null)],
        [new ApiCall("DELETE", "routes/{id}", null), AddRouteCall(peer, route.Prefix, InstallOn.Gateway, false)]);

    /// <summary>Takes a route from a peer.</summary>
    public static Remedy RemoveRoute(string text, Guid peer, RouteEvidence route) => Change(text, [DeleteRouteCall(route.Id)],
        [AddRouteCall(peer, route.Prefix, route.Kind == PrefixKind.Client ? InstallOn.Client : InstallOn.Gateway, route.Kind == PrefixKind.Gateway ? route.KernelRoute : null)]);

    /// <summary>Another value of a member, and the old one back.</summary>
    public static Remedy Patch(string text, string path, string member, JsonNode? value, JsonNode? old) =>
        Change(text, [new ApiCall("PATCH", path, new JsonObject { [member] = value }.ToJsonString())], [new ApiCall("PATCH", path, new JsonObject { [member] = old }.ToJsonString())]);

    private static ApiCall DeleteRouteCall(Guid id) => new("DELETE", $"routes/{id}", null);

    private static ApiCall AddRouteCall(Guid peer, IPNetwork prefix, string installOn, bool? kernelRoute)
    {
        var body = new JsonObject { ["prefix"] = prefix.ToString(), ["installOn"] = installOn };
        if (kernelRoute is { } wanted) body["kernelRoute"] = wanted;
        return new ApiCall("POST", $"peers/{peer}/routes", body.ToJsonString());
    }
}
