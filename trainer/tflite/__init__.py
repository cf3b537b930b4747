"""TFLite variants: conversion, running and the contract by which a lane has its parts verified."""
